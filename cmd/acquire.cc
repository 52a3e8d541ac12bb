#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "util/text.hh"

namespace redlock::cmd {

int run_acquire(const Settings &settings, event::Signals &signals) {
    LockRun run(settings, signals, Duration{});
    if (!run.acquire()) return run.explain_failure();
    if (run.signal() != 0) {
        run.release();
        event::die_of(run.signal());
    }
    if (run.lock().validity() <= event::now()) {
        run.release();
        say("{} was won, but its lease was over before it could be used: was this machine asleep?",
            printable(settings.name));
        return exit_code::unreachable;
    }
    try {
        print(run.lock().token() + "\n");
    } catch (...) {
        run.release(); // a lock that nobody knows the token of would only be in the way
        throw;
    }
    if (settings.verbosity >= 0)
        say("{} is yours; the lease ends in {}: release it before, or see --ttl", printable(settings.name),
            config::show_duration(run.lock().validity() - event::now()));
    run.let_go();
    return exit_code::success;
}

} // namespace redlock::cmd
