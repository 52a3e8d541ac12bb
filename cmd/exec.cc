// exec: hold the lock while a command runs. The command starts once the lock is won with enough of the lease
// ahead, is watched by the supervisor, and is reaped before the lock is released.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "process/child.hh"
#include "process/descendants.hh"
#include "process/supervisor.hh"
#include "process/terminal.hh"
#include "util/text.hh"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <unistd.h>

namespace redlock::cmd {

namespace {

class Exec {
  public:
    Exec(const Settings &settings, event::Signals &signals, const std::string &not_found_hint)
        : settings_(settings), signals_(signals), not_found_hint_(not_found_hint),
          supervisor_({settings.timing.kill_after, settings.timing.margin, settings.signal.value}),
          run_(settings, signals, supervisor_.needed_validity(), true) {}

    int run();

  private:
    bool start();
    void supervise();
    void act();
    void on_signal(int signal);
    void on_child();
    void on_stop(int stop_signal);
    void send(int signal);
    bool all_dead();
    void note_loss();
    [[nodiscard]] int result() const;

    const Settings &settings_;
    event::Signals &signals_;
    const std::string &not_found_hint_;
    process::Supervisor supervisor_;
    LockRun run_;
    process::Terminal terminal_;
    std::optional<process::Child> child_;
    std::optional<process::Status> status_;
    std::string why_lost_;
    bool had_terminal_ = false; // the command had the foreground when it ended
};

int Exec::run() {
    if (!run_.acquire()) {
        if (run_.signal() != 0) event::die_of(run_.signal());
        return run_.explain_failure();
    }
    bool started = false;
    try {
        started = start();
    } catch (...) {
        run_.release();
        throw;
    }
    if (started) {
        supervise();
        if (supervisor_.lost() && !all_dead()) {
            // Whatever survives KILL may still act: the lock stays until its time to live ends it.
            run_.let_go();
            say(why_lost_);
            return exit_code::lost;
        }
    }
    const bool was_held = run_.lock().phase() == core::Phase::held;
    run_.release();
    if (supervisor_.lost()) {
        say(why_lost_);
        return exit_code::lost;
    }
    // No command any more, or none yet: what came meanwhile was meant for us.
    if (run_.signal() != 0) event::die_of(run_.signal());
    if (!started) {
        say("{} was lost right after it was won, so the command was not started", printable(settings_.name));
        return exit_code::lost;
    }
    const core::Sweep &sweep = *run_.lock().sweep();
    if (was_held && (sweep.deleted() == 0 || sweep.answered() < settings_.quorum.value))
        say("warning: {} could not be released (the command is done); it ends by itself within {}\n{}",
            printable(settings_.name), config::show_duration(settings_.timing.ttl),
            answer_table(run_.nodes(), sweep.answers()));
    return result();
}

// False when the lock went, or a signal came, before the command could start.
bool Exec::start() {
    if (settings_.verbosity > 0)
        say("{} is held until the command ends; for {} at first, then renewed", printable(settings_.name),
            config::show_duration(run_.lock().validity() - event::now()));
    // As late as can be: what was far enough ahead when the lock was won may not be any more (a suspend, a
    // busy machine). A renewal is due then, and brings it forward again.
    const auto far_enough = [&] { return run_.lock().validity() - event::now() >= supervisor_.needed_validity(); };
    while (run_.signal() == 0 && run_.lock().phase() == core::Phase::held && !far_enough())
        run_.note_signals(run_.turn());
    if (run_.signal() != 0 || run_.lock().phase() != core::Phase::held) return false;
    process::adopt_orphans();
    const int terminal = terminal_.to_lend();
    child_.emplace(process::Command{settings_.words,
                                    {"REDLOCK_NAME=" + settings_.name, "REDLOCK_TOKEN=" + run_.lock().token(),
                                     "REDLOCK_TTL_MS=" + std::to_string(to_ms(settings_.timing.ttl))}},
                   signals_, terminal);
    if (terminal >= 0) terminal_.lent_to(child_->pid());
    supervisor_.started(event::now(), run_.lock().validity());
    return true;
}

void Exec::supervise() {
    while (supervisor_.state() != process::Supervisor::State::ended) {
        const std::vector<int> signals = run_.turn(supervisor_.deadline());
        // The end of the command first: what ended in time did not outlive the lock. Then the lease, before
        // any signal: a CONT must not wake a command whose lock has gone.
        if (std::find(signals.begin(), signals.end(), SIGCHLD) != signals.end()) on_child();
        act();
        for (const int signal : signals) on_signal(signal);
        act();
    }
}

// Tells the supervisor of the lease and the time, and does what it says.
void Exec::act() {
    if (supervisor_.state() == process::Supervisor::State::ended) return;
    supervisor_.validity_is(event::now(), run_.lock().validity());
    for (const int signal : supervisor_.take_signals()) send(signal);
    note_loss();
}

// What ends a lost command is for all that it started, wherever they have gone; what is passed on is for its group.
void Exec::send(int signal) {
    child_->signal_group(signal);
    if (!supervisor_.lost()) return;
    for (const pid_t pid : process::descendants())
        if (::getpgid(pid) != child_->pid()) ::kill(pid, signal);
}

// Kept until everybody is dead: stderr may be a full pipe, and nothing may come between a deadline and KILL.
void Exec::note_loss() {
    if (!supervisor_.lost() || !why_lost_.empty()) return;
    const core::Round &round = run_.lock().last_round();
    const bool refused = round.count(core::Answer::refused) > settings_.nodes.value.size() - settings_.quorum.value;
    why_lost_ =
        fmt::format("{} was lost: {}; the command was ended\n{}", printable(settings_.name),
                    refused ? "too few nodes still held it" : "it could not be renewed in time", run_.node_table());
}

void Exec::on_signal(int signal) {
    if (signal == SIGCHLD) return;
    if (supervisor_.state() == process::Supervisor::State::ended) return run_.note_signals({signal});
    if (signal == SIGCONT && supervisor_.state() == process::Supervisor::State::running)
        terminal_.continued(child_->pid());
    supervisor_.pass_on(signal);
}

void Exec::on_child() {
    while (const auto status = child_->poll()) {
        if (status->stopped()) {
            terminal_.follow_stop(child_->pid(), status->stop_signal());
            continue;
        }
        status_ = status;
        supervisor_.ended(event::now());
        note_loss();
        had_terminal_ = terminal_.take_back();
    }
    process::reap_orphans(child_->pid());
}

// After a loss: nothing that the command started may live when the lock is given back. False when that
// does not come true.
bool Exec::all_dead() {
    const Instant patience = event::now() + settings_.timing.margin;
    for (;;) {
        for (const pid_t pid : process::descendants()) ::kill(pid, SIGKILL);
        if (!process::reap_orphans(0)) return true;
        if (event::now() >= patience) return false;
        run_.note_signals(run_.turn(std::min(patience, event::now() + milliseconds{2})));
    }
}

int Exec::result() const {
    if (const auto error = child_->exec_error()) {
        const bool missing = *error == ENOENT;
        say("cannot execute {}: {}{}", printable(settings_.words[0]), std::strerror(*error),
            missing ? "; check the spelling and PATH" + not_found_hint_ : "");
        return missing ? exit_code::not_found : exit_code::not_executable;
    }
    if (status_->exited()) return status_->exit_code();
    const int signal = status_->term_signal();
    if (signal == SIGINT || signal == SIGQUIT || supervisor_.passed_on(signal)) {
        // Typed on a terminal it would have reached everybody in the foreground: a script around us, too.
        if (had_terminal_ && (signal == SIGINT || signal == SIGQUIT)) ::kill(0, signal);
        event::die_of(signal);
    }
    return 128 + signal;
}

} // namespace

int run_exec(const Settings &settings, event::Signals &signals, const std::string &not_found_hint) {
    return Exec(settings, signals, not_found_hint).run();
}

} // namespace redlock::cmd
