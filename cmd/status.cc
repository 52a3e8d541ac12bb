// status: who holds these locks? Asks and changes no lock.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "core/forgotten.hh"
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

bool names_absent(const core::Sweep &sweep) {
    return std::any_of(sweep.answers().begin(), sweep.answers().end(), [](const auto &reply) {
        return reply && reply->answer == core::Answer::refused && reply->refusal == core::Refusal::absent;
    });
}

} // namespace

int run_status(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    std::vector<Report> reports;
    bool all_free = true;
    int code = exit_code::success;
    std::vector<core::Sweep> sweeps;
    for (const std::string &name : settings.target.names)
        sweeps.push_back(pass.ask(core::Verb::status, settings.cluster.key(name)));
    // Afterwards: a node that has restarted in between must not pass for one that knows.
    core::Answers inspected;
    if (settings.cluster.guard > Duration{} && std::any_of(sweeps.begin(), sweeps.end(), names_absent))
        inspected = pass.ask(core::Verb::inspect, "").answers();
    for (std::size_t i = 0; i < sweeps.size(); ++i) {
        const core::Sweep &sweep = sweeps[i];
        const std::string &name = settings.target.names[i];
        const core::Answers answers = core::without_forgotten(sweep.answers(), inspected, settings.cluster.guard);
        const core::Survey found = core::survey(answers, settings.cluster.quorum);
        Report report = report_on(settings.cluster, name, answers);
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
    if (settings.output.format == Format::json) {
        print(status_json_text(reports, settings.cluster.guard));
    } else if (settings.output.verbosity >= 0) {
        for (const Report &report : reports) print(status_text(report));
        if (settings.cluster.guard == Duration{}) print(std::string(guard_is_off) + '\n');
    }
    if (settings.output.verbosity < 0 && code == exit_code::success && !all_free) return exit_code::busy;
    return code;
}

} // namespace redlock::cmd
