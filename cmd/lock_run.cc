#include "cmd/lock_run.hh"

#include "cmd/enclosing.hh"
#include "cmd/failure.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "redis/agreement_text.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <utility>

namespace redlock::cmd {

namespace {

core::Terms terms_of(const Settings &settings, Duration needed) {
    return {.key = settings.key(),
            .nodes = settings.cluster.nodes.size(),
            .quorum = settings.cluster.quorum,
            .prefix = settings.cluster.prefix,
            .guard = settings.cluster.guard,
            .ttl = settings.timing.ttl,
            .trust = settings.timing.trust,
            .node_timeout = settings.timing.node_timeout,
            .needed = needed,
            .wait = settings.claim.wait,
            .renew = settings.command == Command::exec,
            .seed = random_seed()};
}

// When to tell what blocks the lock: after one second, five, thirty, then every minute.
Duration next_note(Duration waited) {
    for (const Duration first : {seconds{1}, seconds{5}, seconds{30}})
        if (waited < first) return first;
    return std::chrono::floor<std::chrono::minutes>(waited) + std::chrono::minutes{1};
}

} // namespace

LockRun::LockRun(const Settings &settings, event::Signals &signals, Duration needed)
    : settings_(settings),
      holder_({settings.cluster.nodes, connection_patience(settings.timing), terms_of(settings, needed)}, signals,
              interruption_) {}

bool LockRun::acquire() {
    using Step = session::Holder::Step;
    const Instant begin = event::now();
    bool first = true;
    Step step{};
    while ((step = holder_.acquire()) == Step::attempt_due) {
        warn_of_notices();
        if (!std::exchange(first, false)) tell_wait(event::now() - begin);
        if (blocked_by_ourselves()) holder_.give_up();
        else holder_.attempt(session::this_process(settings_.claim.owner, settings_.claim.why));
    }
    show_progress("");
    warn_of_notices();
    if (step == Step::over) holder_.leave();
    return step == Step::won;
}

void LockRun::release(bool in_no_hurry) {
    holder_.release(in_no_hurry);
    warn_of_notices();
}

void LockRun::reach_all() {
    holder_.reach_all();
    warn_of_notices();
}

std::vector<int> LockRun::turn(std::optional<Instant> deadline) {
    std::vector<int> signals = holder_.turn(deadline);
    warn_of_notices();
    return signals;
}

void LockRun::warn_of_notices() {
    for (const core::Notice &notice : holder_.lock().take_notices()) warn(notice);
}

void LockRun::warn(const core::Notice &notice) const {
    // The command may be running: nothing may come between a deadline and KILL, least of all a full pipe.
    if (settings_.output.verbosity < 0) return;
    const std::string node = settings_.cluster.nodes[notice.node].display();
    if (notice.same_as) remark("warning: " + is_same_server(settings_.cluster, notice.node, *notice.same_as));
    else if (!notice.others)
        remark(fmt::format(
            "warning: the clock of {} was set forward, or runs too fast: by {} within one lease, more than {}", node,
            config::show_duration(notice.step),
            notice.too_far ? "--slack; its vote for this lease does not count until the next renewal"
                           : "half of --slack"));
    else
        remark(fmt::format("warning: others use {} with {}, and we with {}{}; 'redlock doctor' says what to mend", node,
                           redis::in_words(*notice.others), redis::in_words(settings_.cluster.agreement()),
                           notice.danger ? ": they could hold " + printable(settings_.target.name) + " at the same time"
                                         : ", so it has no vote for us"));
}

std::string LockRun::what_blocks(bool as_line) const {
    const core::Lock &lock = holder_.lock();
    if (const auto left = lock.quarantine())
        return as_line ? "the nodes vote in " + config::show_duration(*left)
                       : quarantined(settings_, *left, lock.last_round().answers());
    if (lock.in_doubt()) return "others use a node in another way, and too few turn them away\n" + node_table();
    if (!lock.out_of_reach()) return "held by " + describe_holder(lock.blocker());
    const core::Answers answers = lock.latest_answers();
    const std::string_view why =
        too_many_replicas(answers, settings_.cluster.quorum) ? "too many of these servers are replicas"
        : too_many_refuse(answers, settings_.cluster.quorum) ? "too many of the nodes refuse to work"
                                                             : "no majority of the nodes can be reached";
    return fmt::format("{}\n{}", why, node_table());
}

// Out of reach: now and then, with what each node says. Busy: the same, but on a terminal a line that goes on.
void LockRun::tell_wait(Duration waited) {
    const core::Lock &lock = holder_.lock();
    const bool quarantine = lock.quarantine().has_value();
    // The reason, and what to do, does not fit into a line that goes on.
    const bool news = quarantine && !std::exchange(quarantine_told_, true);
    if (settings_.claim.wait == Duration{}) return; // it does not wait, although it may try more than once
    if (settings_.output.verbosity < 0 || (waited < note_due_ && !news)) return;
    const bool as_line = on_terminal_ && !news && (quarantine || !(lock.out_of_reach() || lock.in_doubt()));
    const std::string so_far = waited < seconds{1} ? "" : fmt::format(" ({} so far)", config::show_duration(waited));
    const std::string text =
        fmt::format("waiting for {}{}: {}", printable(settings_.target.name), so_far, what_blocks(as_line));
    note_due_ =
        on_terminal_ && (as_line || news) ? std::chrono::floor<seconds>(waited) + seconds{1} : next_note(waited);
    if (as_line) show_progress(text);
    else say(text);
}

bool LockRun::blocked_by_ourselves() const { return is_enclosing(settings_.target, lock().blocker()); }

std::string LockRun::held_for_command() const {
    std::string held = settings_.target.held + (settings_.target.held.empty() ? "" : " ");
    for (const char c : settings_.target.name) held += percent_encode(c);
    return held + ':' + lock().token().substr(0, core::random_digits);
}

int LockRun::explain_failure() const {
    interruption_.obey();
    return cmd::explain_failure(settings_, lock(), blocked_by_ourselves());
}

std::string LockRun::node_table() const {
    return cmd::node_table(nodes_of(settings_.cluster, lock().latest_answers()));
}

} // namespace redlock::cmd
