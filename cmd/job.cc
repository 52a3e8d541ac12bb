#include "cmd/job.hh"

#include "cmd/diagnose.hh"
#include "cmd/exit_code.hh"
#include "cmd/say.hh"

#include <cerrno>
#include <cstring>

namespace redlock::cmd {

Job::Job(const JobSettings &what, std::vector<std::string> environment, const event::Signals &signals)
    : what_(what), child_({what.words, std::move(environment)}, signals, lent_) {
    if (lent_ >= 0) terminal_.lent_to(child_.pid());
    deaths_to_share_.set(SIGINT).set(SIGQUIT);
}

bool Job::send(int signal) {
    if (signal == SIGCONT) terminal_.continued(pid());
    deaths_to_share_.set(static_cast<std::size_t>(signal));
    return child_.signal_group(signal);
}

bool Job::has_ended() {
    while (const auto status = child_.poll()) {
        if (status->stopped()) {
            terminal_.follow_stop(pid(), status->stop_signal());
            continue;
        }
        status_ = *status;
        had_terminal_ = terminal_.take_back();
        return true;
    }
    return false;
}

int Job::result() const {
    if (const auto error = child_.exec_error()) {
        const bool missing = *error == ENOENT;
        say("cannot execute {}: {}{}", command_in_quotes(what_.words[0]), std::strerror(*error),
            missing ? "; check the spelling and PATH" + what_.not_found_hint : "");
        return missing ? exit_code::not_found : exit_code::not_executable;
    }
    if (status_.exited()) return status_.exit_code();
    const int signal = status_.term_signal();
    if (deaths_to_share_[static_cast<std::size_t>(signal)]) {
        // Typed on a terminal it would have reached everybody in the foreground: a script around us, too.
        if (had_terminal_ && (signal == SIGINT || signal == SIGQUIT)) ::kill(0, signal);
        event::die_of(signal);
    }
    return exit_code::signal_base + signal;
}

std::vector<int> wait_for_signals(event::Signals &signals, std::optional<Instant> deadline) {
    event::PollSet set;
    signals.watch(set);
    set.wait(deadline);
    return signals.take(set);
}

} // namespace redlock::cmd
