// extend: prolong what acquire took. Never sets a key that is gone again: there is no lease here to bound that
// (protocol 7.7).
#include "cmd/commands.hh"

#include "cmd/enclosing.hh"
#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/extension.hh"
#include "core/forgotten.hh"
#include "event/clock.hh"
#include "redis/agreement_text.hh"
#include "util/text.hh"

namespace redlock::cmd {

namespace {

void warn_of_repeated(const Settings &settings, const core::Extension &found) {
    if (settings.output.verbosity < 0) return;
    for (const auto &[node, same_as] : found.repeated)
        say("warning: {}", is_same_server(settings.cluster, node, same_as));
}

// Says what came of it (`left`: of the lease), puts the word for it into `report`, and returns the exit code.
int explain(const Settings &settings, const core::Sweep &sweep, const core::Extension &found, Duration left,
            Report &report) {
    const std::string name = printable(settings.target.name);
    const std::string ours = redis::in_words(settings.cluster.agreement());
    const std::string theirs = found.others ? redis::in_words(*found.others) : "";
    if (found.outcome != core::Outcome::lost && (found.danger || found.differs)) {
        report.result = "disagreed";
        say("others use these nodes with {}, and you with {}: {} may be held by them, too, {}\n{}\n"
            "'redlock doctor' says what to mend",
            theirs, ours, name, found.danger ? "whatever these nodes answered" : "when a node has restarted",
            node_table(report.nodes));
        return exit_code::config;
    }
    if (settings.output.verbosity >= 0 && found.others)
        say("warning: others use these nodes with {}, and you with {}; 'redlock doctor' says what to mend", theirs,
            ours);
    if (left > Duration::zero()) {
        report.validity = left;
        if (settings.output.verbosity >= 0) say("{} is yours for another {}", name, config::show_duration(left));
        return exit_code::success;
    }
    if (found.outcome == core::Outcome::pending)
        return complain(settings, sweep, found.extended, "was not extended; what is left of its lease is as it was",
                        report);
    report.result = "lost";
    say("{} cannot be extended: {}\n{}", name,
        found.extended >= settings.cluster.quorum ? "the answers came too late for this ttl"
                                                  : "this token does not hold it",
        node_table(report.nodes));
    return exit_code::lost;
}

} // namespace

int run_extend(const Settings &settings, event::Signals &signals) {
    if (is_enclosing(settings.target, settings.target.token)) return refuse_enclosing(settings, signals);
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::extend, settings.key());
    pass.finish();

    const core::Answers answers = core::without_forgotten(sweep.answers(), {}, settings.cluster.guard);
    const Instant now = event::now();
    const core::Extension found = core::count_extension(answers, settings.cluster.quorum, settings.cluster.agreement(),
                                                        settings.timing.ttl, settings.timing.trust, now);
    warn_of_repeated(settings, found);
    Report report = report_on(settings.cluster, settings.target.name, answers);
    report.ttl = settings.timing.ttl;
    report.result = "extended";
    const int code = explain(settings, sweep, found, found.validity - now, report);
    if (settings.output.format == Format::json) print(json_text(report));
    return code;
}

} // namespace redlock::cmd
