#include "cmd/lock_run.hh"

#include "cmd/exit_code.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/token.hh"
#include "event/clock.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <array>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

namespace redlock::cmd {

namespace {

core::Terms terms_of(const Settings &settings, Duration needed) {
    return {.key = settings.key,
            .nodes = settings.nodes.size(),
            .quorum = settings.quorum,
            .ttl = settings.timing.ttl,
            .trust = {settings.timing.drift, settings.timing.slack},
            .node_timeout = settings.timing.node_timeout,
            .needed = needed,
            .wait = settings.wait,
            .renew = settings.command == Command::exec,
            .seed = random_seed()};
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
    if (reply.answer == core::Answer::granted) return reply.verb == core::Verb::acquire ? "granted" : "done";
    if (reply.answer != core::Answer::refused) return reply.text;
    if (reply.refusal == core::Refusal::absent) return "the key is gone";
    return (reply.refusal == core::Refusal::held ? "held by " : "now held by ") + describe_holder(reply.holder);
}

// When to tell who waits: after one second, five, thirty, then every minute.
Duration next_note(Duration waited) {
    for (const Duration first : {seconds{1}, seconds{5}, seconds{30}})
        if (waited < first) return first;
    return std::chrono::floor<std::chrono::minutes>(waited) + std::chrono::minutes{1};
}

} // namespace

LockRun::LockRun(const Settings &settings, event::Signals &signals, Duration needed)
    : settings_(settings), nodes_(settings.nodes), lock_(terms_of(settings, needed)), pump_(lock_, nodes_, signals) {}

bool LockRun::acquire() {
    const Instant begin = event::now();
    Duration note_due = next_note({});
    const auto won = [&] { return lock_.phase() == core::Phase::held || lock_.phase() == core::Phase::lost; };
    while (!won() && lock_.phase() != core::Phase::ended) {
        if (lock_.phase() == core::Phase::idle) {
            const Duration waited = event::now() - begin;
            if (waited >= note_due && settings_.verbosity >= 0) {
                note_due = next_note(waited);
                say("waiting for {} ({} so far): {}", printable(settings_.name), config::show_duration(waited),
                    lock_.out_of_reach() ? "no majority of the nodes can be reached\n" + node_table()
                                         : "held by " + describe_holder(lock_.blocker()));
            }
            lock_.acquire(event::now(), core::make_token(random_hex128(), self()));
        } else {
            note(turn());
            if (signal_ != 0 && !won()) lock_.give_up(event::now());
        }
        pump_.send();
    }
    if (!won()) nodes_.finish();
    return won();
}

void LockRun::release() {
    lock_.release(event::now());
    pump_.send();
    while (lock_.phase() != core::Phase::ended) note(turn());
    nodes_.finish();
}

int LockRun::explain_failure() const {
    if (signal_ != 0) event::die_of(signal_);
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
                settings_.wait && *settings_.wait > Duration{}
                    ? "; gave up after " + config::show_duration(*settings_.wait)
                    : "");
        return settings_.conflict_exit_code;
    case core::Ending::unreachable:
        say("no majority of the nodes can be reached: {} needs {} of {}\n{}\ncheck that these servers run "
            "and that the addresses are right; `redlock lab` gives you some to try with",
            name, settings_.quorum, settings_.nodes.size(), node_table());
        return exit_code::unreachable;
    case core::Ending::denied:
        say("the nodes refuse our credentials, so {} cannot be locked\n{}", name, node_table());
        return exit_code::access;
    default: return exit_code::internal;
    }
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
    const std::time_t since = holder->since_ms / 1000;
    std::tm local{};
    ::localtime_r(&since, &local);
    std::array<char, 64> time{};
    std::strftime(time.data(), time.size(), "%Y-%m-%d %H:%M:%S", &local);
    return fmt::format("{}@{} (pid {}) since {}{}{}", printable(holder->owner), printable(holder->host), holder->pid,
                       time.data(), holder->why.empty() ? "" : ": ", printable(holder->why));
}

} // namespace redlock::cmd
