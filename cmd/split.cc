#include "cmd/split.hh"

#include "cmd/diagnose.hh"

#include <algorithm>
#include <utility>

namespace redlock::cmd {

namespace {

class Splitter {
  public:
    Splitter(const CommandInfo &command, std::span<const std::string> words) : command_(command), words_(words) {}

    Split run() {
        while (next_ < words_.size() && !finished_) {
            const std::string &word = words_[next_++];
            after_nonblock_ = std::exchange(nonblock_now_, false);
            if (word == "--") {
                take_rest();
            } else if (word.starts_with("--")) {
                take_long(word);
            } else if (word.size() > 1 && word[0] == '-') {
                take_short(word);
            } else {
                take_operand(word);
            }
        }
        return std::move(split_);
    }

  private:
    // Help beats every mistake after it.
    bool ends_run(const Option &found) {
        if (&found != &option("--help") && &found != &option("--version")) return false;
        split_ = {};
        split_.options.emplace_back(name_of(found));
        finished_ = true;
        return true;
    }

    void take_value(const Option &found, std::string_view spelling) {
        if (next_ == words_.size()) refuse_missing_value(found, spelling);
        split_.options.push_back(words_[next_++]);
    }

    void take_long(const std::string &word) {
        const std::size_t equals = word.find('=');
        const std::string spelling = word.substr(0, equals);
        const Option *found = find_option(spelling, bit(command_.command));
        if (found == nullptr) refuse_unknown_option(command_, spelling, word);
        if (ends_run(*found)) return;
        // Name and value as two words: CLI11 takes an empty one after '=' for a missing one.
        split_.options.push_back(spelling);
        if (found->kind == ValueKind::flag) {
            if (equals != word.npos) refuse_value_of_flag(spelling, std::string_view(word).substr(equals + 1));
            nonblock_now_ = found == &option("-n");
        } else if (equals != word.npos) {
            split_.options.push_back(word.substr(equals + 1));
        } else {
            take_value(*found, spelling);
        }
    }

    // "-n", "-nq", "-w2", "-nqw 2"
    void take_short(const std::string &word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            const std::string spelling{'-', word[i]};
            if (word[i] == '=' && i > 1) refuse_value_of_flag(split_.options.back(), word.substr(i + 1));
            if (nonblock_now_ && word[i] >= '0' && word[i] <= '9') refuse_value_of_flag("-n", word.substr(i));
            const Option *found = find_option(spelling, bit(command_.command));
            if (found == nullptr) refuse_unknown_option(command_, spelling, word);
            if (ends_run(*found)) return;
            split_.options.push_back(spelling);
            nonblock_now_ = found == &option("-n");
            if (found->kind == ValueKind::flag) continue;
            if (i + 1 < word.size()) {
                split_.options.push_back(word.substr(i + 1));
            } else {
                take_value(*found, spelling);
            }
            return;
        }
    }

    void take_operand(const std::string &word) {
        const std::size_t names = command_.operands == Operands::maybe_command ? 0 : 1;
        if (command_.operands != Operands::name && split_.operands.size() == names) {
            --next_;
            take_rest();
            return;
        }
        const bool number = std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (split_.operands.empty() && after_nonblock_ && number && !word.empty())
            split_.number_hint = number_after_nonblock(word);
        split_.operands.push_back(word);
    }

    // After `--`, or from the first word of COMMAND on.
    void take_rest() {
        finished_ = true;
        auto rest = words_.subspan(next_);
        const bool only_operands = command_.operands == Operands::name;
        if (command_.operands == Operands::name_and_command && split_.operands.empty() && !rest.empty()) {
            split_.operands.push_back(rest.front());
            rest = rest.subspan(1);
            // `exec -- db -- ls`: the usage line has a `--` after NAME, and no command is called so.
            if (!rest.empty() && rest.front() == "--") rest = rest.subspan(1);
        }
        auto &target = only_operands ? split_.operands : split_.command;
        target.insert(target.end(), rest.begin(), rest.end());
    }

    const CommandInfo &command_;
    std::span<const std::string> words_;
    std::size_t next_ = 0;
    bool finished_ = false;
    bool nonblock_now_ = false;   // this word ended in -n
    bool after_nonblock_ = false; // the word before did
    Split split_;
};

} // namespace

Split split_words(const CommandInfo &command, std::span<const std::string> words) {
    return Splitter(command, words).run();
}

} // namespace redlock::cmd
