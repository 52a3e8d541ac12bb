// exec: hold the lock while a command runs. The command is forked behind a gate while the nodes think,
// let through once the lock is won, watched by the supervisor, and reaped before the lock is released.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "process/child.hh"
#include "process/supervisor.hh"
#include "process/terminal.hh"
#include "util/text.hh"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
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
    void fork_command();
    bool open_gate();
    void supervise();
    void act();
    void on_signal(int signal);
    void on_child();
    void on_stop(int stop_signal);
    bool group_is_dead();
    void say_lost() const;
    [[nodiscard]] int result() const;

    const Settings &settings_;
    event::Signals &signals_;
    const std::string &not_found_hint_;
    process::Supervisor supervisor_;
    LockRun run_;
    process::Terminal terminal_;
    std::unique_ptr<process::Child> child_;
    std::optional<process::Status> status_;
    bool had_terminal_ = false; // the command had the foreground when it ended
};

int Exec::run() {
    const bool held = run_.acquire([this] { fork_command(); });
    if (!held) {
        child_.reset();
        if (run_.signal() != 0) event::die_of(run_.signal());
        return run_.explain_failure();
    }
    const bool started = open_gate();
    if (started) {
        supervise();
        if (supervisor_.lost() && !group_is_dead()) {
            // Whatever survives KILL may still act: the lock stays until its time to live ends it.
            run_.let_go();
            return exit_code::lost;
        }
    } else {
        child_.reset();
    }
    const bool was_held = run_.lock().phase() == core::Phase::held;
    run_.release();
    if (supervisor_.lost()) return exit_code::lost;
    // No command any more, or none yet: what came meanwhile was meant for us.
    if (run_.signal() != 0) event::die_of(run_.signal());
    if (!started) {
        say("{} was {}, so the command was not started", printable(settings_.name),
            was_held ? "won, but the process that was to become the command is gone" : "lost right after it was won");
        return was_held ? exit_code::internal : exit_code::lost;
    }
    if (was_held && run_.lock().sweep()->deleted() == 0)
        say("warning: {} could not be released (the command is done); it ends by itself within {}\n{}",
            printable(settings_.name), config::show_duration(settings_.timing.ttl),
            answer_table(run_.nodes(), run_.lock().sweep()->answers()));
    return result();
}

void Exec::fork_command() {
    process::Command command;
    command.argv = settings_.words;
    command.environment = {"REDLOCK_NAME=" + settings_.name,
                           "REDLOCK_TTL_MS=" + std::to_string(to_ms(settings_.timing.ttl))};
    process::adopt_orphans();
    child_ = std::make_unique<process::Child>(command, signals_);
}

bool Exec::open_gate() {
    // As late as can be: what was far enough ahead when the lock was won may not be any more (a suspend, a
    // busy machine). A renewal is due then, and brings it forward again.
    const auto far_enough = [&] { return run_.lock().validity() - event::now() >= supervisor_.needed_validity(); };
    while (run_.signal() == 0 && run_.lock().phase() == core::Phase::held && !far_enough())
        run_.note_signals(run_.turn());
    if (run_.signal() != 0 || run_.lock().phase() != core::Phase::held) return false;
    if (terminal_.is_for_command()) terminal_.give(child_->pid());
    if (!child_->open({"REDLOCK_TOKEN=" + run_.lock().token()})) return false;
    supervisor_.started(event::now(), run_.lock().validity());
    if (settings_.verbosity > 0)
        say_at_once(fmt::format("{} is held until the command ends; for {} at first, then renewed",
                                printable(settings_.name),
                                config::show_duration(run_.lock().validity() - event::now())));
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
    const bool was_lost = supervisor_.lost();
    supervisor_.validity_is(event::now(), run_.lock().validity());
    for (const int signal : supervisor_.take_signals()) child_->signal_group(signal);
    if (!was_lost && supervisor_.lost()) say_lost();
}

void Exec::on_signal(int signal) {
    if (signal == SIGCHLD) return;
    if (supervisor_.state() == process::Supervisor::State::ended) return run_.note_signals({signal});
    supervisor_.pass_on(signal);
}

void Exec::on_child() {
    for (;;) {
        const auto status = child_->poll([this] {
            if (supervisor_.lost()) child_->signal_group(SIGKILL);
        });
        if (!status) break;
        if (status->stopped()) {
            on_stop(status->stop_signal());
            continue;
        }
        status_ = status;
        const bool was_lost = supervisor_.lost();
        supervisor_.ended(event::now());
        if (!was_lost && supervisor_.lost()) say_lost();
        had_terminal_ = terminal_.take_back();
        break;
    }
    process::reap_orphans({child_->pid()});
}

void Exec::on_stop(int stop_signal) {
    // It wants the terminal that our group has: it may have it, and goes on.
    const bool wants_terminal = stop_signal == SIGTTIN || stop_signal == SIGTTOU;
    if (wants_terminal && terminal_.give(child_->pid())) {
        child_->signal_group(SIGCONT);
        return;
    }
    if (!terminal_.exists()) return; // nobody does job control here: the command stays as it is
    const bool had = terminal_.take_back();
    process::stop_own_group();
    // Continued. First the lease, then the command.
    act();
    if (supervisor_.state() != process::Supervisor::State::running) return;
    if (had) terminal_.give(child_->pid());
    child_->signal_group(SIGCONT);
}

// After a loss everything in the command's group has been sent KILL; the lock may be given back once
// that has come true.
bool Exec::group_is_dead() {
    const Instant patience = event::now() + settings_.timing.margin;
    while (child_->group_exists() && event::now() < patience) {
        run_.note_signals(run_.turn(std::min(patience, event::now() + milliseconds{5})));
        process::reap_orphans({});
    }
    return !child_->group_exists();
}

void Exec::say_lost() const {
    const bool gone = run_.lock().phase() == core::Phase::lost;
    say_at_once(fmt::format("{} is lost: {}; ending the command\n{}", printable(settings_.name),
                            gone ? "too few nodes still hold it" : "it could not be renewed in time",
                            run_.node_table()));
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
