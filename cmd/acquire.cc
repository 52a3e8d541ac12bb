// acquire: take the lock, tell its token, leave it held.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "cmd/token_file.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "util/text.hh"

#include <optional>

namespace redlock::cmd {

namespace {

std::string_view word_of(core::Ending ending) {
    switch (ending) {
    case core::Ending::busy:
    case core::Ending::interrupted: return "busy"; // by a redlock around this one; of a signal we have died
    case core::Ending::unreachable: return "unreachable";
    case core::Ending::denied: return "denied";
    case core::Ending::disagreed: return "disagreed";
    default: return "lost";
    }
}

void print_report(const Settings &settings, const Report &report) {
    switch (settings.output.format) {
    case Format::nothing: return;
    case Format::token: return print(report.token + "\n");
    case Format::env: return print(shell_text(report));
    case Format::json: return print(json_text(report));
    }
}

} // namespace

int run_acquire(const Settings &settings, event::Signals &signals) {
    std::optional<TokenFile> file(settings.output.token_file);
    LockRun run(settings, signals, Duration{});
    const bool won = run.acquire();
    if (won) run.reach_all();
    Report report = report_on(settings.cluster, settings.target.name, run.lock().last_round().answers());
    report.ttl = settings.timing.ttl;
    if (!won) {
        file.reset(); // before we die of a signal
        const int code = run.explain_failure();
        report.result = word_of(run.lock().ending());
        report.holder = run.lock().blocker();
        if (settings.output.format == Format::json) print(json_text(report));
        return code;
    }
    if (run.interruption().signal() != 0) {
        file.reset();
        run.release(true);
        run.interruption().obey();
    }
    // Before and after the token is handed over: a reader may take its time.
    const auto left = [&] { return run.lock().validity() - event::now(); };
    const auto too_late = [&] {
        run.release(true);
        say("{} was won, but its lease was over before it could be used: did redlock, the machine or the reader of "
            "the token stand still?",
            printable(settings.target.name));
        return exit_code::unreachable;
    };
    if (left() <= Duration::zero()) return too_late();
    report.result = "acquired";
    report.token = run.lock().token();
    report.fence = run.lock().fence();
    report.validity = left();
    try {
        print_report(settings, report);
        if (left() <= Duration::zero()) return too_late(); // and the file is not kept
        file->keep(report.token);
    } catch (...) {
        run.release(true); // a lock that nobody knows the token of would only be in the way
        throw;
    }
    if (settings.output.verbosity >= 0)
        say("{} is yours; the lease ends in {}: release it before, or prolong it with redlock extend (see --ttl)",
            printable(settings.target.name), config::show_duration(left()));
    run.let_go();
    return exit_code::success;
}

} // namespace redlock::cmd
