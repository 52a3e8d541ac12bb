// exec: hold the lock while a command runs. The command starts once the lock is won with enough of the lease
// ahead, is watched by the supervisor, and is reaped before the lock is released.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/job.hh"
#include "cmd/lock_run.hh"
#include "cmd/loss.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/forgotten.hh"
#include "event/clock.hh"
#include "process/descendants.hh"
#include "process/supervisor.hh"
#include "util/text.hh"

#include <algorithm>
#include <csignal>
#include <optional>
#include <unistd.h>

namespace redlock::cmd {

namespace {

class Exec {
  public:
    Exec(const Settings &settings, event::Signals &signals)
        : settings_(settings), signals_(signals),
          supervisor_({settings.timing.kill_after, settings.timing.margin, settings.job.signal}),
          run_(settings, signals, supervisor_.needed_validity()) {}

    int run();

  private:
    void start();
    void supervise();
    void note_loss();
    core::Answers answers_to_release();
    bool all_dead();

    const Settings &settings_;
    event::Signals &signals_;
    process::Supervisor supervisor_;
    LockRun run_;
    std::optional<Job> job_; // empty when the lock went, or a signal came, before the command could start
    // Kept until everybody is dead: stderr may be a full pipe, and nothing may come between a deadline and KILL.
    std::string why_lost_, nodes_then_;
    bool survived_kill_ = false;
    std::vector<int> sent_; // with which the command was to be ended

    // Of the turn before the present one, to tell a loss from a stall:
    std::optional<Instant> must_end_; // when the command has to be told to end, unless the lease is renewed
    std::optional<Instant> due_;      // when the next turn was to come at the latest
    bool failing_ = false;            // the latest renewal that was over had failed
};

int Exec::run() {
    if (!run_.acquire()) return run_.explain_failure();
    try {
        start();
    } catch (...) {
        run_.release();
        throw;
    }
    if (job_) supervise();
    const bool was_held = run_.lock().phase() == core::Phase::held;
    // Whatever survives KILL may still act: the lock stays until its time to live ends it.
    const bool survivors = supervisor_.lost() && !all_dead();
    if (survivors) run_.let_go();
    else run_.release();
    const std::string name = printable(settings_.target.name);
    if (supervisor_.lost()) {
        say("{} was lost: {}; the command {}{}{}", name, why_lost_, how_it_ended(job_->status(), sent_, survived_kill_),
            survivors ? ", but processes that it started could NOT be killed and may still run" : "", nodes_then_);
        return exit_code::lost;
    }
    // No command any more, or none yet: what came meanwhile was meant for us.
    run_.interruption().obey();
    if (!job_) {
        say("{} was won and lost again before the command could be started; it was not started", name);
        return exit_code::lost;
    }
    const core::Answers answers = answers_to_release();
    const auto table = [&] { return node_table(nodes_of(settings_.cluster, answers)); };
    if (!was_held || core::proves_loss(answers, settings_.cluster.quorum)) {
        say("{} was lost while the command ran, and was found so when it was given back: somebody else may have run "
            "beside it\n{}",
            name, table());
        return exit_code::lost;
    }
    if (run_.lock().sweep()->answered() < settings_.cluster.quorum)
        say("warning: {} could not be released (the command is done); it ends by itself within {}\n{}", name,
            config::show_duration(settings_.timing.ttl), table());
    return job_->result();
}

void Exec::start() {
    if (settings_.output.verbosity > 0)
        say("{} is held until the command ends; for {} at first, then renewed; its fence is {}",
            printable(settings_.target.name), config::show_duration(run_.lock().validity() - event::now()),
            run_.lock().fence());
    // As late as can be (protocol 13.2): what was far enough ahead when the lock was won may not be any more (a
    // suspend, a busy machine). A renewal is due then, and brings it forward again.
    while (run_.interruption().signal() == 0 && run_.lock().phase() == core::Phase::held &&
           run_.lock().validity() - event::now() < supervisor_.needed_validity())
        run_.interruption().note(run_.turn());
    if (run_.interruption().signal() != 0 || run_.lock().phase() != core::Phase::held) return;
    process::adopt_orphans();
    job_.emplace(settings_.job,
                 std::vector<std::string>{"REDLOCK_NAME=" + settings_.target.name,
                                          "REDLOCK_TOKEN=" + run_.lock().token(),
                                          "REDLOCK_FENCE=" + std::to_string(run_.lock().fence()),
                                          "REDLOCK_TTL_MS=" + std::to_string(to_ms(settings_.timing.ttl)),
                                          "REDLOCK_HELD=" + run_.held_for_command()},
                 signals_);
    supervisor_.started(event::now(), run_.lock().validity());
}

void Exec::supervise() {
    using State = process::Supervisor::State;
    std::optional<Instant> overdue; // when a killed command should be dead
    while (supervisor_.state() != State::ended) {
        must_end_ = supervisor_.deadline();
        due_ = earlier(must_end_, run_.lock().deadline());
        if (run_.lock().last_round().outcome() != core::Outcome::pending)
            failing_ = run_.lock().last_round().outcome() == core::Outcome::lost;
        const std::vector<int> signals = run_.turn(earlier(supervisor_.deadline(), overdue));
        // The end of the command first: what ended in time did not outlive the lock. Then the lease, before
        // any signal: a CONT must not wake a command whose lock has gone (protocol 13.3).
        if (job_->has_ended()) supervisor_.ended(event::now());
        process::reap_orphans(job_->pid());
        supervisor_.validity_is(event::now(), run_.lock().validity());
        for (const int signal : signals) {
            if (supervisor_.state() == State::ended) run_.interruption().note({signal});
            else if (signal != SIGCHLD) supervisor_.pass_on(signal);
        }
        // What ends a lost command is for all that it started, wherever they have gone; what is passed on is for
        // its group.
        for (const int signal : supervisor_.take_signals()) {
            const bool allowed = job_->send(signal);
            if (!supervisor_.lost()) {
                if (!allowed)
                    say("signal {} cannot be passed on to the command: it runs as a user whom we may not signal (with "
                        "sudo, write 'sudo redlock exec ...')",
                        signal);
                continue;
            }
            if (signal != SIGCONT) sent_.push_back(signal);
            for (const pid_t pid : process::descendants())
                if (::getpgid(pid) != job_->pid()) ::kill(pid, signal);
        }
        if (supervisor_.lost() && why_lost_.empty()) note_loss();
        if (supervisor_.state() != State::killed || survived_kill_) continue;
        if (!overdue) overdue = event::now() + settings_.timing.margin;
        survived_kill_ = event::now() >= *overdue;
        if (!survived_kill_) continue;
        overdue.reset();
        say("{} was lost: {}; the command (pid {}) CANNOT BE KILLED and still runs, and somebody else may have the "
            "lock by now{}",
            printable(settings_.target.name), why_lost_, job_->pid(), nodes_then_);
    }
}

void Exec::note_loss() {
    const core::Round &round = run_.lock().last_round();
    const Instant now = event::now();
    const bool by_time = must_end_ && now >= *must_end_; // whatever the nodes have said meanwhile
    const Loss loss{.overslept = by_time ? now - *due_ : Duration{},
                    .tolerance = settings_.timing.margin,
                    .failing = failing_,
                    .outcome = round.outcome(),
                    .proven = round.proven(),
                    .counted = run_.lock().renewed()};
    why_lost_ = why_lost(loss);
    // Where all went well at the nodes, they have nothing to tell.
    if (round.outcome() != core::Outcome::won) nodes_then_ = '\n' + run_.node_table();
}

// A job that is over before its next renewal has not set its key anew on nodes that lost it meanwhile. Where they vote
// for nobody yet, that was no loss: they are asked for it where it matters, which is rare (protocol 8.5).
core::Answers Exec::answers_to_release() {
    const core::Sweep &sweep = *run_.lock().sweep();
    if (sweep.proven() != core::Outcome::lost || settings_.cluster.guard == Duration{}) return sweep.answers();
    Pass pass(settings_, signals_);
    const core::Sweep inspected = pass.ask(core::Verb::inspect, "");
    pass.finish();
    return core::without_forgotten(sweep.answers(), inspected.answers(), settings_.cluster.guard);
}

// After a loss: nothing that the command started may live when the lock is given back. False when that
// does not come true.
bool Exec::all_dead() {
    const Instant patience = event::now() + settings_.timing.margin;
    for (;;) {
        for (const pid_t pid : process::descendants()) ::kill(pid, SIGKILL);
        if (!process::reap_orphans(0)) return true;
        if (event::now() >= patience) return false;
        run_.interruption().note(run_.turn(std::min(patience, event::now() + milliseconds{2})));
    }
}

} // namespace

int run_exec(const Settings &settings, event::Signals &signals) { return Exec(settings, signals).run(); }

} // namespace redlock::cmd
