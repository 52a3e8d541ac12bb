// status: who holds these locks? Asks and changes nothing.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "core/survey.hh"
#include "core/token.hh"

#include <algorithm>

namespace redlock::cmd {

namespace {

std::string_view word_of(core::LockState state) {
    switch (state) {
    case core::LockState::free: return "free";
    case core::LockState::held: return "held";
    case core::LockState::split: return "split";
    case core::LockState::unknown: break;
    }
    return "unknown";
}

} // namespace

int run_status(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    std::vector<Report> reports;
    bool all_free = true;
    int code = exit_code::success;
    for (const std::string &name : settings.names) {
        const core::Sweep sweep = pass.ask(core::Verb::status, settings.prefix + name);
        const core::Survey found = core::survey(sweep.answers(), settings.quorum);
        Report report = report_on(settings, name, sweep.answers());
        report.result = word_of(found.state);
        report.holder = found.holder;
        report.agreeing = found.agreeing;
        report.remaining = found.remaining;
        if (core::parse_token(found.holder)) report.fence = found.fence; // another library's lock has none
        reports.push_back(std::move(report));
        all_free = all_free && found.state == core::LockState::free;
        if (found.state == core::LockState::unknown)
            code = std::max(code, sweep.denied() ? code_when_denied(sweep) : exit_code::unreachable);
    }
    pass.finish();
    if (settings.format == Format::json) {
        print(status_json_text(reports, settings.guard));
    } else if (settings.verbosity >= 0) {
        for (const Report &report : reports) print(status_text(report));
        if (settings.guard == Duration{}) print(std::string(guard_is_off) + '\n');
    }
    if (settings.verbosity < 0 && code == exit_code::success && !all_free) return exit_code::busy;
    return code;
}

} // namespace redlock::cmd
