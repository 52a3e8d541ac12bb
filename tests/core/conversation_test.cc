// conversation_test [--rewrite] FILE...: plays conversations with a Lock and compares what it says.
//
// A file is comments (#), inputs, and indented below each input what the lock made of it. Moments are milliseconds
// since the beginning. Inputs:
//
//   lock nodes=3 ttl=30000 ...        a new lock; see terms_from() for the words
//   AT acquire TOKEN [PROPOSAL] | release | give-up | tick
//   AT reply #SERIAL... ANSWER [sent=MS] [holder=TOKEN] [left=MS] [fence=N] [time=MS] [quarantine=MS] [others=N/Q/MS]
//       [run_id=ID] [node=N] [verb=VERB]
//       Several serials: the same reply to each of these requests. ANSWER: granted, silent, a refusal (held, absent,
//       not-ours, set-anew) or an error (error, denied, unfit, quarantined, disagrees). Without `sent` nothing left the
//       process. `time` is the node's clock. `quarantine` is what is left of it. `others`: other hosts have configured
//       the node with these nodes, quorum and guard. `run_id` names the server. `node`, `verb`: not those of the
//       request
//   AT show                           what else the lock tells
//
// A fence or a moment of the node's that is 0 is left out of what the lock says. An acquire that is granted has fence 1
// if nothing else is said. The lock asks "wrongly" if a serial does not grow, or if key, TTL, timeout or agreement are
// not those of the terms. It "wakes in vain" if a tick changes no phase and leaves a deadline that has passed.
//
// --rewrite puts what the lock says now in the place of what was expected. Read the difference before you commit it.
#include "core/lock.hh"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

namespace redlock::core {
namespace {

constexpr Instant start = Instant{seconds{1000}};

Duration from_ms(const std::string &word) { return Duration{std::llround(std::stod(word) * 1e6)}; }

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
    terms.prefix = words["prefix"];
    terms.guard = from_ms(number("guard", "0"));
    if (words.contains("wait")) terms.wait = from_ms(words["wait"]);
    terms.renew = words.contains("renew");
    terms.seed = 7;
    return terms;
}

constexpr const char *verbs[] = {"acquire", "confirm", "extend", "release", "abandon", "status"};
constexpr const char *phases[] = {"idle", "acquiring", "pausing", "held", "lost", "cleaning", "releasing", "ended"};
constexpr const char *endings[] = {"", "busy", "unreachable", "denied", "disagreed", "interrupted", "lost", "released"};
constexpr const char *answers[] = {"granted", "refused", "error", "silent"};

// False: there is no such answer.
bool set_answer(Reply &reply, const std::string &word) {
    static const std::map<std::string, Refusal> refusals = {{"held", Refusal::held},
                                                            {"absent", Refusal::absent},
                                                            {"not-ours", Refusal::not_ours},
                                                            {"set-anew", Refusal::set_anew}};
    static const std::map<std::string, Trouble> errors = {{"error", Trouble::passing},
                                                          {"denied", Trouble::access},
                                                          {"unfit", Trouble::unfit},
                                                          {"quarantined", Trouble::quarantined},
                                                          {"disagrees", Trouble::disagrees}};
    if (const auto refusal = refusals.find(word); refusal != refusals.end()) {
        reply.answer = Answer::refused;
        reply.refusal = refusal->second;
    } else if (const auto error = errors.find(word); error != errors.end()) {
        reply.answer = Answer::error;
        reply.trouble = error->second;
    } else {
        reply.answer = word == "granted" ? Answer::granted : Answer::silent;
        return word == "granted" || word == "silent";
    }
    return true;
}

Agreement agreement_from(const std::string &word) {
    std::istringstream in(word);
    Agreement agreement;
    std::string guard;
    char slash = 0;
    in >> agreement.nodes >> slash >> agreement.quorum >> slash >> guard;
    agreement.guard = from_ms(guard);
    return agreement;
}

// The rest of a reply, beside its answer.
void set_words(Reply &reply, Words words) {
    if (words.contains("node")) reply.node = std::stoul(words["node"]);
    for (int verb = 0; verb < static_cast<int>(std::size(verbs)); ++verb)
        if (words["verb"] == verbs[verb]) reply.verb = static_cast<Verb>(verb);
    if (words.contains("quarantine")) reply.quarantine = from_ms(words["quarantine"]);
    if (words.contains("others")) reply.others = agreement_from(words["others"]);
    if (words.contains("sent")) reply.sent = start + from_ms(words["sent"]);
    reply.holder = words["holder"];
    reply.run_id = words["run_id"];
    if (words.contains("left")) reply.holder_ttl = from_ms(words["left"]);
    if (reply.answer == Answer::granted && reply.verb == Verb::acquire) reply.fence = 1;
    if (words.contains("fence")) reply.fence = std::stoull(words["fence"]);
    if (words.contains("time")) reply.node_time = from_ms(words["time"]).count() / 1000;
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
        const Phase before = lock_->phase();
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
            if (lock_->phase() == before && lock_->deadline() && *lock_->deadline() <= now) return "  wakes in vain\n";
        } else if (what == "reply") {
            const auto replies = replies_from(in);
            if (replies.empty()) return "  there is no such request, or no such answer\n";
            for (const Reply &reply : replies) lock_->on_reply(now, reply);
        } else if (what == "show") {
            return rest();
        } else {
            return "  what is \"" + what + "\"?\n";
        }
        return state();
    }

  private:
    // Empty: the line is wrong.
    std::vector<Reply> replies_from(std::istream &in) {
        std::vector<Reply> replies;
        std::string word;
        while (in >> word && word[0] == '#') {
            const auto asked = asked_.find(std::stoul(word.substr(1)));
            if (asked == asked_.end()) return {};
            Reply &reply = replies.emplace_back();
            reply.serial = asked->second.serial;
            reply.verb = asked->second.verb;
            reply.node = asked->second.node;
        }
        const Words words = named(in);
        for (Reply &reply : replies) {
            if (!set_answer(reply, word)) return {};
            set_words(reply, words);
        }
        return replies;
    }

    std::string state() {
        std::ostringstream out;
        for (const Request &request : lock_->take_requests()) {
            out << (is_right(request) ? "  ask #" : "  wrongly ask #") << request.serial << " node " << request.node
                << ": " << verbs[static_cast<int>(request.verb)] << ' ' << request.token;
            if (request.fence != 0) out << " fence " << request.fence;
            if (request.until != 0) out << ", anew until " << show(std::chrono::microseconds{request.until});
            out << ", until " << show(request.deadline) << '\n';
            asked_[request.serial] = request;
        }
        for (const Notice &notice : lock_->take_notices()) {
            out << "  notice: node " << notice.node;
            if (notice.same_as) out << " is the same server as node " << *notice.same_as;
            if (const auto &others = notice.others)
                out << " disagrees: " << others->nodes << '/' << others->quorum << '/' << show(others->guard)
                    << (notice.danger ? ", which is a danger" : "");
            if (notice.step > Duration{}) out << " has a clock that was set forward by " << show(notice.step);
            out << (notice.too_far ? ", too far\n" : "\n");
        }
        out << "  " << phases[static_cast<int>(lock_->phase())];
        if (lock_->phase() == Phase::ended) out << ": " << endings[static_cast<int>(lock_->ending())];
        if (lock_->phase() == Phase::held) out << ", V " << show(lock_->validity()) << ", fence " << lock_->fence();
        else if (lock_->quarantine()) out << ", quarantine " << show(*lock_->quarantine());
        if (lock_->deadline()) out << ", wake at " << show(lock_->deadline());
        out << '\n';
        return out.str();
    }

    [[nodiscard]] bool is_right(const Request &request) const {
        const Terms &terms = lock_->terms();
        const Agreement agreement{terms.prefix, terms.nodes, terms.quorum, terms.guard};
        const bool sets = request.verb <= Verb::extend;
        return (asked_.empty() || request.serial > asked_.rbegin()->first) && request.key == "key" &&
               request.timeout == terms.node_timeout &&
               (!sets || (request.ttl == terms.ttl && request.agreement == agreement));
    }

    [[nodiscard]] std::string rest() const {
        std::ostringstream out;
        out << "  blocked by \"" << lock_->blocker() << '"' << (lock_->in_doubt() ? ", in doubt" : "");
        if (lock_->sweep()) out << ", sweep answered by " << lock_->sweep()->answered();
        out << '\n';
        NodeIndex node = 0;
        for (const auto &answer : lock_->latest_answers()) {
            out << "  node " << node++ << ": " << (answer ? answers[static_cast<int>(answer->answer)] : "nothing");
            if (answer && answer->quarantine) out << ", quarantine " << show(*answer->quarantine);
            out << '\n';
        }
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
