#include "cmd/lock_run.hh"

#include "cmd/exit_code.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/token.hh"
#include "event/clock.hh"
#include "process/terminal.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <array>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <unistd.h>
#include <utility>

namespace redlock::cmd {

namespace {

core::Terms terms_of(const Settings &settings, Duration needed, bool renew) {
    core::Terms terms;
    terms.key = settings.key;
    terms.nodes = settings.nodes.value.size();
    terms.quorum = settings.quorum.value;
    terms.ttl = settings.timing.ttl;
    terms.trust = {settings.timing.drift, settings.timing.slack};
    terms.node_timeout = settings.timing.node_timeout;
    terms.needed = needed;
    terms.wait = settings.wait.value;
    terms.renew = renew;
    terms.seed = random_seed();
    return terms;
}

// Who takes this lock, for others to see. The environment's word for the user is good enough for that; the
// user database may sit behind a network.
core::Holder self() {
    core::Holder holder;
    holder.since_ms = event::wall_clock_ms();
    for (const char *variable : {"LOGNAME", "USER"}) {
        const char *value = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): nobody sets it
        if (holder.owner.empty() && value != nullptr) holder.owner = value;
    }
    if (holder.owner.empty()) holder.owner = "uid " + std::to_string(::getuid());
    std::array<char, HOST_NAME_MAX + 1> host{};
    if (::gethostname(host.data(), host.size() - 1) == 0) holder.host = host.data();
    holder.pid = ::getpid();
    return holder;
}

std::string outcome_of(const core::Reply &reply) {
    switch (reply.answer) {
    case core::Answer::granted: return reply.verb == core::Verb::acquire ? "granted" : "done";
    case core::Answer::refused:
        switch (reply.refusal) {
        case core::Refusal::held: return "held by " + describe_holder(reply.holder);
        case core::Refusal::not_ours: return "now held by " + describe_holder(reply.holder);
        case core::Refusal::absent: return "the key is gone";
        }
        return {};
    case core::Answer::error:
    case core::Answer::silent: return reply.text;
    }
    return {};
}

} // namespace

LockRun::LockRun(const Settings &settings, event::Signals &signals, Duration needed, bool renew)
    : settings_(settings), signals_(signals), nodes_(settings.nodes.value), lock_(terms_of(settings, needed, renew)),
      pump_(lock_, nodes_), waiting_(printable(settings.name), settings.verbosity < 0) {}

bool LockRun::acquire() {
    bool first = true;
    const auto won = [&] { return lock_.phase() == core::Phase::held || lock_.phase() == core::Phase::lost; };
    while (!won() && lock_.phase() != core::Phase::ended) {
        if (lock_.phase() == core::Phase::idle) {
            if (!std::exchange(first, false))
                waiting_.failed(event::now(), lock_.out_of_reach()
                                                  ? "no majority of the nodes can be reached\n" + node_table()
                                                  : "held by " + describe_holder(lock_.blocker()));
            lock_.acquire(event::now(), core::make_token(random_hex128(), self()));
        } else {
            note_signals(turn());
            if (signal_ != 0 && !won()) lock_.give_up(event::now());
        }
        pump_.send();
    }
    if (won()) return true;
    nodes_.finish();
    return false;
}

void LockRun::release() {
    lock_.release(event::now());
    pump_.send();
    while (lock_.phase() != core::Phase::ended) note_signals(turn());
    nodes_.finish();
}

std::vector<int> LockRun::turn(std::optional<Instant> deadline) {
    poll_.clear();
    signals_.watch(poll_);
    pump_.watch(poll_);
    poll_.wait(earlier(deadline, pump_.deadline()));
    pump_.handle(poll_);
    return signals_.take(poll_);
}

void LockRun::note_signals(const std::vector<int> &signals) {
    for (const int signal : signals) {
        switch (event::default_action(signal)) {
        case event::DefaultAction::none: break;
        case event::DefaultAction::stop: process::stop_self(); break;
        case event::DefaultAction::terminate:
            if (signal_ == 0) signal_ = signal;
        }
    }
}

int LockRun::explain_failure() const {
    const std::string name = printable(settings_.name);
    switch (lock_.ending()) {
    case core::Ending::busy:
        if (lock_.blocker().empty()) {
            say("{} could not be had: the nodes answer too slowly for this lease (--ttl, --node-timeout)\n{}", name,
                node_table());
            return exit_code::unreachable;
        }
        if (settings_.verbosity >= 0)
            say("{} is busy: held by {}{}", name, describe_holder(lock_.blocker()),
                settings_.wait.value && *settings_.wait.value > Duration{}
                    ? "; gave up after " + config::show_duration(*settings_.wait.value)
                    : "");
        return settings_.conflict_exit_code.value;
    case core::Ending::unreachable:
        say("no majority of the nodes can be reached: {} needs {} of {}\n{}\ncheck that these servers run "
            "and "
            "that the addresses are right; `redlock lab` gives you some to try with",
            name, settings_.quorum.value, settings_.nodes.value.size(), node_table());
        return exit_code::unreachable;
    case core::Ending::denied:
        say("the nodes refuse our credentials, so {} cannot be locked\n{}", name, node_table());
        return exit_code::access;
    case core::Ending::interrupted: return exit_code::internal; // the caller dies of the signal
    default: break;
    }
    return exit_code::internal;
}

std::string LockRun::node_table() const { return answer_table(nodes_, lock_.last_round().answers()); }

std::string answer_table(const redis::Nodes &nodes, const std::vector<std::optional<core::Reply>> &answers) {
    std::size_t width = 0;
    for (core::NodeIndex node = 0; node < nodes.size(); ++node) width = std::max(width, nodes.name(node).size());
    std::string table;
    for (core::NodeIndex node = 0; node < nodes.size(); ++node) {
        const bool heard = node < answers.size() && answers[node];
        table += fmt::format("{}  {:<{}}  {}", table.empty() ? "" : "\n", nodes.name(node), width,
                             heard ? outcome_of(*answers[node]) : "no answer yet");
    }
    return table;
}

std::string describe_holder(std::string_view token) {
    const auto holder = core::parse_token(token);
    if (!holder) return token.empty() ? "somebody unknown" : "\"" + printable(token, 64) + "\"";
    std::string text = fmt::format("{}@{} (pid {})", printable(holder->owner), printable(holder->host), holder->pid);
    const std::time_t since = holder->since_ms / 1000;
    std::tm local{};
    ::localtime_r(&since, &local);
    text += fmt::format(" since {:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                        local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
    if (!holder->why.empty()) text += ": " + printable(holder->why);
    return text;
}

} // namespace redlock::cmd
