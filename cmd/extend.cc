// extend: prolong what acquire took. Never sets a key that is gone again: there is no lease here to bound that.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/lease.hh"
#include "core/round.hh"
#include "event/clock.hh"
#include "redis/terms.hh"
#include "util/text.hh"

namespace redlock::cmd {

int run_extend(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::extend, settings.key);
    pass.finish();

    // Who others use in another way counts for nothing where that is dangerous, as in acquire.
    Answers answers = sweep.answers();
    std::optional<core::Agreement> others;
    std::size_t endangered = 0;
    bool both = false;
    for (auto &answer : answers) {
        if (!answer || !answer->others) continue;
        if (!both) others = answer->others;
        both = both || core::could_both_hold(*answer->others, settings.agreement());
        if (!core::endangers(*answer->others, settings.agreement(), settings.timing.ttl)) continue;
        ++endangered;
        answer.reset();
    }
    const core::ClockTrust trust{settings.timing.drift, settings.timing.slack};
    const Duration left = core::validity_of(answers, settings.quorum, settings.timing.ttl, trust) - event::now();
    Report report = report_on(settings, settings.name, sweep.answers());
    report.ttl = settings.timing.ttl;
    report.result = "extended";
    int code = exit_code::success;
    const std::string name = printable(settings.name);
    if (both || (left <= Duration::zero() && endangered > settings.nodes.size() - settings.quorum)) {
        code = exit_code::config;
        report.result = "disagreed";
        say("others use these nodes with {}, and you with {}: {} may be held by them, too, {}\n{}\n"
            "'redlock doctor' says what to mend",
            redis::in_words(*others), redis::in_words(settings.agreement()), name,
            both ? "whatever the nodes answer" : "when a node has restarted", node_table(report.nodes));
    } else if (left > Duration::zero()) {
        report.validity = left;
        if (settings.verbosity >= 0) say("{} is yours for another {}", name, config::show_duration(left));
        if (settings.verbosity >= 0 && others)
            say("warning: others use these nodes with {}, and you with {}; 'redlock doctor' says what to mend",
                redis::in_words(*others), redis::in_words(settings.agreement()));
    } else if (sweep.proven() == core::Outcome::pending) {
        code = complain(settings, sweep, "was not extended; what is left of its lease is as it was", report);
    } else {
        code = exit_code::lost;
        report.result = "lost";
        say("{} cannot be extended: {}\n{}", name,
            sweep.granted() >= settings.quorum ? "the nodes answered too late for this ttl"
                                               : "this token does not hold it any more",
            node_table(report.nodes));
    }
    if (settings.format == Format::json) print(json_text(report));
    return code;
}

} // namespace redlock::cmd
