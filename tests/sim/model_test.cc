// model_test: reads commands, one a line, words separated by spaces; plays them on the model of a node; prints each
// reply in one line; `~` is a space within a word, and `^` a word without letters. "CLOCK us" sets the model's clock,
// "SERVER run_id" what INFO says of the server, "EVAL name keys words..." runs a script by its name on so many keys.
// model_test.py plays the same on a real redis-server and compares.
#include "redis/verbs.hh"
#include "script_engine.hh"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace redlock::sim {
namespace {

std::string show(const Value &value) {
    switch (value.kind) {
    case Value::Kind::nil: return "nil";
    case Value::Kind::integer: return "int " + std::to_string(value.number);
    case Value::Kind::string: return "text " + value.text;
    case Value::Kind::status: return "status " + value.text;
    case Value::Kind::error: return "error " + value.text.substr(0, value.text.find(' '));
    case Value::Kind::array: break;
    }
    std::string all = "[";
    for (const Value &item : value.items) all += show(item) + ",";
    return all + "]";
}

std::string_view script_named(std::string_view name) {
    for (const redis::VerbRow &row : redis::verb_rows())
        if (row.name == name) return row.script;
    throw std::runtime_error("no verb is called " + std::string(name));
}

} // namespace
} // namespace redlock::sim

int main() {
    using namespace redlock::sim;
    ScriptEngine engine;
    Store store;
    std::int64_t now_us = 0;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::vector<std::string> words;
        for (std::string word; in >> word;) {
            std::replace(word.begin(), word.end(), '~', ' ');
            words.push_back(word == "^" ? "" : word);
        }
        const std::vector<std::string_view> views(words.begin(), words.end());
        if (words[0] == "CLOCK") now_us = std::stoll(words[1]);
        else if (words[0] == "SERVER") store.run_id = words[1];
        else if (words[0] == "FULL") store.full = words[1] == "1";
        else if (words[0] == "EVAL") {
            const std::size_t keys = std::stoul(words[2]);
            const auto rest = std::span(views).subspan(3);
            const Value value = engine.run(script_named(views[1]), rest.first(keys), rest.subspan(keys), store, now_us);
            std::cout << show(value) << '\n';
        } else std::cout << show(store.call(views, now_us)) << '\n';
    }
}
