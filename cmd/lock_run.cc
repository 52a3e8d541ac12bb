#include "cmd/lock_run.hh"

#include "cmd/enclosing.hh"
#include "cmd/exit_code.hh"
#include "cmd/init.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/setup.hh"
#include "core/token.hh"
#include "event/clock.hh"
#include "redis/agreement_text.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <climits>
#include <unistd.h>
#include <utility>

namespace redlock::cmd {

namespace {

core::Terms terms_of(const Settings &settings, Duration needed) {
    return {.key = settings.key,
            .nodes = settings.nodes.size(),
            .quorum = settings.quorum,
            .prefix = settings.prefix,
            .guard = settings.guard,
            .ttl = settings.timing.ttl,
            .trust = {settings.timing.drift, settings.timing.slack},
            .node_timeout = settings.timing.node_timeout,
            .needed = needed,
            .wait = settings.wait,
            .renew = settings.command == Command::exec,
            .seed = random_seed()};
}

// Who takes this lock, for others to see.
core::Holder self(const Settings &settings) {
    std::array<char, HOST_NAME_MAX + 1> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return {static_cast<std::int64_t>(event::wall_clock_us() / 1000), settings.owner, host.data(), ::getpid(),
            settings.why};
}

// When to tell who waits: after one second, five, thirty, then every minute.
Duration next_note(Duration waited) {
    for (const Duration first : {seconds{1}, seconds{5}, seconds{30}})
        if (waited < first) return first;
    return std::chrono::floor<std::chrono::minutes>(waited) + std::chrono::minutes{1};
}

constexpr Duration lingering = milliseconds{20};

std::string quarantined(const Settings &settings, Duration left, const core::Answers &answers) {
    if (std::any_of(answers.begin(), answers.end(), [](const auto &reply) { return reply && reply->on_hold; }))
        return fmt::format("'redlock init --reconfigure' is at work, or was killed: the nodes grant no lock for "
                           "another {} at most",
                           config::show_duration(left));
    const bool fresh = core::looks_new(answers); // no client has used them yet, as far as is known
    return fmt::format("the nodes are new or have restarted, may have forgotten a lock, and vote in {}{}",
                       config::show_duration(left), fresh ? " (" + set_up_hint(settings) + ")" : "");
}

} // namespace

LockRun::LockRun(const Settings &settings, event::Signals &signals, Duration needed)
    : settings_(settings), nodes_(settings.nodes, connection_patience(settings.timing)),
      lock_(terms_of(settings, needed)), pump_(lock_, nodes_, signals) {}

bool LockRun::acquire() {
    const Instant begin = event::now();
    const auto won = [&] { return lock_.phase() == core::Phase::held || lock_.phase() == core::Phase::lost; };
    bool first = true;
    while (!won() && lock_.phase() != core::Phase::ended) {
        if (lock_.phase() == core::Phase::idle) {
            if (!std::exchange(first, false)) tell_who_waits(event::now() - begin);
            if (blocked_by_ourselves()) lock_.give_up(event::now());
            else
                lock_.acquire(event::now(), core::make_token(random_hex128(), self(settings_)), event::wall_clock_us());
        } else {
            note(turn());
            if (signal_ != 0 && !won()) lock_.give_up(event::now());
        }
        pump_.send();
    }
    show_progress("");
    if (!won()) {
        settle(event::now() + lingering);
        nodes_.finish();
    }
    took_ = event::now() - lock_.last_round().started();
    return won();
}

std::vector<int> LockRun::turn(std::optional<Instant> deadline) {
    std::vector<int> signals = pump_.turn(deadline);
    for (const core::Notice &notice : lock_.take_notices()) warn(notice);
    return signals;
}

void LockRun::warn(const core::Notice &notice) const {
    // The command may be running: nothing may come between a deadline and KILL, least of all a full pipe.
    if (settings_.verbosity < 0) return;
    const std::string node = settings_.nodes[notice.node].display();
    if (notice.same_as) remark("warning: " + is_same_server(settings_, notice.node, *notice.same_as));
    else if (!notice.others)
        remark(fmt::format(
            "warning: the clock of {} was set forward, or runs too fast: by {} within one lease, more than {}", node,
            config::show_duration(notice.step),
            notice.too_far ? "--slack; its vote for this lease does not count until the next renewal"
                           : "half of --slack"));
    else
        remark(fmt::format("warning: others use {} with {}, and we with {}{}; 'redlock doctor' says what to mend", node,
                           redis::in_words(*notice.others), redis::in_words(settings_.agreement()),
                           notice.danger ? ": they could hold " + printable(settings_.name) + " at the same time"
                                         : ", so it has no vote for us"));
}

// Gives those that still owe an answer a little time. A server that cannot deliver its answer, because we have gone,
// does not read what comes behind: what it has just granted would stay for a TTL. Where that is known to be so it gets
// as long as for any other answer.
void LockRun::settle(Instant patience) {
    while (nodes_.owed() && event::now() < patience) note(turn(patience));
    const Instant limit = event::now() + settings_.timing.node_timeout;
    int death = 0; // whoever is told so meanwhile goes
    while (death == 0 && nodes_.at_work() && event::now() < limit)
        note_signals(turn(std::min(limit, event::now() + milliseconds{5})), death); // it tells nobody that it reads on
    if (signal_ == 0) signal_ = death;
}

// Out of reach: now and then, with what each node says. Busy: the same, but on a terminal a line that goes on.
void LockRun::tell_who_waits(Duration waited) {
    const std::optional<Duration> quarantine = lock_.quarantine();
    // Why, and what to do, does not fit into a line that goes on.
    const bool news = quarantine && !std::exchange(quarantine_told_, true);
    const bool as_line = on_terminal_ && !news && (quarantine || !(lock_.out_of_reach() || lock_.in_doubt()));
    if (settings_.wait == Duration{}) return; // it does not wait, although it may try more than once
    if (settings_.verbosity < 0 || (waited < note_due_ && !news)) return;
    const bool replicas = too_many_replicas(lock_.latest_answers(), settings_.quorum);
    const bool refuse = too_many_refuse(lock_.latest_answers(), settings_.quorum);
    const std::string what = quarantine && as_line ? "the nodes vote in " + config::show_duration(*quarantine)
                             : quarantine          ? quarantined(settings_, *quarantine, lock_.last_round().answers())
                             : lock_.in_doubt()
                                 ? "others use a node in another way, and too few turn them away\n" + node_table()
                             : lock_.out_of_reach() ? (replicas ? "too many of these servers are replicas\n"
                                                       : refuse ? "too many of the nodes refuse to work\n"
                                                                : "no majority of the nodes can be reached\n") +
                                                          node_table()
                                                    : "held by " + describe_holder(lock_.blocker());
    const std::string so_far = waited < seconds{1} ? "" : fmt::format(" ({} so far)", config::show_duration(waited));
    const std::string text = fmt::format("waiting for {}{}: {}", printable(settings_.name), so_far, what);
    note_due_ =
        on_terminal_ && (as_line || news) ? std::chrono::floor<seconds>(waited) + seconds{1} : next_note(waited);
    if (as_line) show_progress(text);
    else say(text);
}

bool LockRun::blocked_by_ourselves() const { return is_enclosing(settings_, lock_.blocker()); }

std::string LockRun::held_for_command() const {
    std::string held = settings_.held + (settings_.held.empty() ? "" : " ");
    for (const char c : settings_.name) held += percent_encode(c);
    return held + ':' + lock_.token().substr(0, core::random_digits);
}

void LockRun::reach_all() {
    const Instant begin = event::now();
    const Instant patience = begin + std::max<Duration>(4 * (begin - lock_.last_round().started()), lingering);
    const auto awaited = [&] { return lock_.last_round().pending() > 0 && event::now() < patience; };
    // A node that is not connected by then is off.
    const Instant connected = std::max(begin, lock_.last_round().started() + settings_.timing.node_timeout);
    const auto waiting = [&] { return nodes_.waiting() && event::now() < connected; };
    while ((waiting() || awaited()) && signal_ == 0) note(turn(awaited() ? std::max(patience, connected) : connected));
}

void LockRun::release(bool in_no_hurry) {
    lock_.release(event::now());
    pump_.send();
    while (lock_.phase() != core::Phase::ended) note(turn());
    // A node that has been asked only just is not slow yet.
    const Duration usual = std::max<Duration>(4 * took_, milliseconds{2});
    settle(in_no_hurry ? event::now() + lingering : lock_.last_round().started() + usual);
    nodes_.finish();
}

int LockRun::explain_failure() const {
    if (signal_ != 0) event::die_of(signal_);
    const std::string name = printable(settings_.name);
    if (blocked_by_ourselves()) {
        if (settings_.verbosity >= 0)
            say("{} is held by the redlock that this command runs under, so it would wait for itself (REDLOCK_HELD)",
                name);
        return settings_.conflict_exit_code;
    }
    switch (lock_.ending()) {
    case core::Ending::busy:
        if (lock_.blocker().empty() && settings_.wait > Duration{} &&
            *settings_.wait < 2 * settings_.timing.node_timeout) {
            say("{} could not be had within {}: --wait is too short to ask the nodes; -n asks them once\n{}", name,
                config::show_duration(*settings_.wait), node_table());
            return exit_code::unreachable;
        }
        if (lock_.blocker().empty()) {
            say("{} could not be had: the answers came too late for this lease, because the nodes are slow, or because "
                "redlock or the machine stood still (--ttl, --node-timeout)\n{}",
                name, node_table());
            return exit_code::unreachable;
        }
        if (settings_.verbosity >= 0)
            say("{} is busy: held by {}{}", name, describe_holder(lock_.blocker()),
                settings_.wait && *settings_.wait > Duration{}
                    ? "; gave up after " + config::show_duration(*settings_.wait)
                    : "");
        return settings_.conflict_exit_code;
    case core::Ending::unreachable:
        if (const auto left = lock_.quarantine()) {
            say("{} cannot be had yet: {}\n{}", name, quarantined(settings_, *left, lock_.last_round().answers()),
                node_table());
            return exit_code::unreachable;
        }
        if (too_many_replicas(lock_.latest_answers(), settings_.quorum)) {
            say("too many of these servers are replicas, and a replica cannot vote: {} needs {} of {}\n{}\nname "
                "primaries as nodes, independent of each other",
                name, settings_.quorum, settings_.nodes.size(), node_table());
            return exit_code::unreachable;
        }
        if (too_many_refuse(lock_.latest_answers(), settings_.quorum)) {
            say("too many of the nodes refuse to work: {} needs {} of {}\n{}", name, settings_.quorum,
                settings_.nodes.size(), node_table());
            return exit_code::unreachable;
        }
        say("no majority of the nodes can be reached: {} needs {} of {}\n{}\ncheck that these servers run "
            "and that the addresses are right; `redlock lab` gives you some to try with",
            name, settings_.quorum, settings_.nodes.size(), node_table());
        return exit_code::unreachable;
    case core::Ending::denied:
        if (lock_.last_round().unfit()) {
            say("too many of the servers are not fit to be nodes, so {} cannot be locked\n{}", name, node_table());
            return exit_code::config;
        }
        say("the nodes refuse our credentials or commands, so {} cannot be locked\n{}", name, node_table());
        return exit_code::access;
    case core::Ending::disagreed:
        say("{} cannot be locked safely: others use these nodes in another way, or one server is listed twice, so that "
            "two could hold it at once\n{}\n'redlock doctor' says what to mend; all hosts need the same nodes, "
            "--quorum and --restart-guard (here: {})",
            name, node_table(), redis::in_words(settings_.agreement()));
        return exit_code::config;
    default: return exit_code::internal;
    }
}

std::string LockRun::node_table() const { return cmd::node_table(nodes_of(settings_, lock_.latest_answers())); }

} // namespace redlock::cmd
