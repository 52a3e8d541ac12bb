// conversation_test [--rewrite] FILE...: plays conversations with a Lock and compares what it says.
//
// A file is comments (#), inputs, and indented below each input what the lock made of it. Moments are milliseconds
// since the beginning. Inputs:
//
//   lock nodes=3 ttl=30000 ...        a new lock; see terms_from() for the words
//   AT acquire TOKEN [PROPOSAL] | release | give-up | tick
//   AT reply #SERIAL ANSWER [sent=MS] [holder=TOKEN] [left=MS] [fence=N] [time=MS] [quarantine=MS] [others]
//       ANSWER: granted, held, absent, not-ours, set-anew, error, denied, quarantined, silent; without `sent` nothing
//       left the process; `time` is the node's clock; `quarantine` is what is left of it; `others`: the node is
//       configured differently on other hosts
//
// A fence or a moment of the node's that is 0 is left out of what the lock says. An acquire that is granted has fence 1
// if nothing else is said.
//
// --rewrite puts what the lock says now in the place of what was expected. Read the difference before you commit it.
#include "core/lock.hh"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

namespace redlock::core {
namespace {

constexpr Instant start = Instant{seconds{1000}};

Duration from_ms(const std::string &word) { return Duration{static_cast<Duration::rep>(std::stod(word) * 1e6)}; }

std::string show(Duration duration) {
    std::ostringstream out;
    out << static_cast<double>(duration.count()) / 1e6;
    return out.str();
}

std::string show(std::optional<Instant> instant) {
    return !instant || *instant <= distant_past ? "never" : show(*instant - start);
}

using Words = std::map<std::string, std::string>;

// name=value
Words named(std::istream &in) {
    Words words;
    for (std::string word; in >> word;) {
        const auto equals = word.find('=');
        words[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    return words;
}

Terms terms_from(Words words) {
    const auto number = [&words](const char *name, const char *usual) {
        return words.contains(name) ? words[name] : std::string(usual);
    };
    Terms terms;
    terms.key = "key";
    terms.nodes = std::stoul(number("nodes", "3"));
    terms.quorum = std::stoul(number("quorum", std::to_string(majority(terms.nodes)).c_str()));
    terms.ttl = from_ms(number("ttl", "30000"));
    terms.trust = {std::stod(number("drift", "0.01")), from_ms(number("slack", "5000"))};
    terms.node_timeout = from_ms(number("timeout", "300"));
    terms.needed = from_ms(number("needed", "1000"));
    if (words.contains("wait")) terms.wait = from_ms(words["wait"]);
    terms.renew = words.contains("renew");
    terms.seed = 7;
    return terms;
}

class Conversation {
  public:
    // What the lock makes of one line of input.
    std::string hear(const std::string &line) {
        std::istringstream in(line);
        std::string first, what;
        in >> first;
        if (first == "lock") {
            lock_.emplace(terms_from(named(in)));
            asked_.clear();
            return "";
        }
        const Instant now = start + from_ms(first);
        in >> what;
        if (what == "acquire") {
            std::string token;
            Fence proposal = 0;
            in >> token >> proposal;
            lock_->acquire(now, token, proposal);
        } else if (what == "release") {
            lock_->release(now);
        } else if (what == "give-up") {
            lock_->give_up(now);
        } else if (what == "tick") {
            lock_->tick(now);
        } else if (what == "reply") {
            const auto reply = reply_from(in);
            if (!reply) return "  nobody was asked that\n";
            lock_->on_reply(now, *reply);
        } else {
            return "  what is \"" + what + "\"?\n";
        }
        return state();
    }

  private:
    std::optional<Reply> reply_from(std::istream &in) {
        std::string serial, answer;
        in >> serial >> answer;
        Words words = named(in);
        const auto asked = asked_.find(std::stoul(serial.substr(1)));
        if (asked == asked_.end()) return std::nullopt;
        const Request &request = asked->second;
        Reply reply;
        reply.serial = request.serial;
        reply.verb = request.verb;
        reply.node = request.node;
        static const std::map<std::string, Refusal> refusals = {{"held", Refusal::held},
                                                                {"absent", Refusal::absent},
                                                                {"not-ours", Refusal::not_ours},
                                                                {"set-anew", Refusal::set_anew}};
        if (const auto refusal = refusals.find(answer); refusal != refusals.end()) {
            reply.answer = Answer::refused;
            reply.refusal = refusal->second;
        } else {
            reply.answer = answer == "granted" ? Answer::granted : answer == "silent" ? Answer::silent : Answer::error;
        }
        if (answer == "denied") reply.trouble = Trouble::access;
        if (answer == "quarantined") reply.trouble = Trouble::quarantined;
        if (words.contains("quarantine")) reply.quarantine = from_ms(words["quarantine"]);
        if (words.contains("others")) reply.others = Agreement{"", 3, 2, seconds{10}};
        if (words.contains("sent")) reply.sent = start + from_ms(words["sent"]);
        reply.holder = words["holder"];
        if (words.contains("left")) reply.holder_ttl = from_ms(words["left"]);
        if (reply.answer == Answer::granted && reply.verb == Verb::acquire) reply.fence = 1;
        if (words.contains("fence")) reply.fence = std::stoull(words["fence"]);
        if (words.contains("time")) reply.node_time = from_ms(words["time"]).count() / 1000;
        return reply;
    }

    std::string state() {
        static constexpr const char *verbs[] = {"acquire", "confirm", "extend", "release", "abandon", "status"};
        static constexpr const char *phases[] = {"idle", "acquiring", "pausing",   "held",
                                                 "lost", "cleaning",  "releasing", "ended"};
        static constexpr const char *endings[] = {"",     "busy",    "unreachable", "denied", "interrupted",
                                                  "lost", "released"};
        std::ostringstream out;
        for (const Request &request : lock_->take_requests()) {
            asked_[request.serial] = request;
            out << "  ask #" << request.serial << " node " << request.node << ": "
                << verbs[static_cast<int>(request.verb)] << ' ' << request.token;
            if (request.fence != 0) out << " fence " << request.fence;
            if (request.until != 0) out << ", anew until " << show(std::chrono::microseconds{request.until});
            out << ", until " << show(request.deadline) << '\n';
        }
        out << "  " << phases[static_cast<int>(lock_->phase())];
        if (lock_->phase() == Phase::ended) out << ": " << endings[static_cast<int>(lock_->ending())];
        if (lock_->phase() == Phase::held) out << ", V " << show(lock_->validity()) << ", fence " << lock_->fence();
        if (lock_->deadline()) out << ", wake at " << show(lock_->deadline());
        out << '\n';
        return out.str();
    }

    std::optional<Lock> lock_;
    std::map<Serial, Request> asked_;
};

// True when the file is as the lock says.
bool play(const char *name, bool rewrite) {
    std::ifstream file(name);
    std::string expected, actual;
    Conversation conversation;
    for (std::string line; std::getline(file, line);) {
        expected += line + '\n';
        if (line.starts_with(' ')) continue;
        actual += line + '\n';
        if (!line.empty() && line[0] != '#') actual += conversation.hear(line);
    }
    if (actual.empty()) std::cout << name << ": cannot be read, or is empty\n";
    if (actual == expected) return !actual.empty();
    if (rewrite) {
        std::ofstream(name) << actual;
        std::cout << name << ": rewritten\n";
        return true;
    }
    std::istringstream was(expected), is(actual);
    int number = 0;
    for (std::string wanted, got; std::getline(is, got) && std::getline(was, wanted) && got == wanted;) ++number;
    std::cout << name << " differs after line " << number << "; this is what the lock says:\n" << actual;
    return false;
}

} // namespace
} // namespace redlock::core

int main(int argc, char **argv) {
    const bool rewrite = argc > 1 && std::strcmp(argv[1], "--rewrite") == 0;
    bool good = argc > 1;
    for (int i = rewrite ? 2 : 1; i < argc; ++i) good = redlock::core::play(argv[i], rewrite) && good;
    return good ? 0 : 1;
}
