// extend: prolong what acquire took. Never sets a key that is gone again: there is no lease here to bound that.
#include "cmd/commands.hh"

#include "cmd/enclosing.hh"
#include "cmd/exit_code.hh"
#include "cmd/forgotten.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/lease.hh"
#include "core/round.hh"
#include "event/clock.hh"
#include "redis/agreement_text.hh"
#include "util/text.hh"

namespace redlock::cmd {

namespace {

// What of the answers counts, as in acquire: of a server that is listed twice one, and none of a node that others use
// in another way where that is dangerous.
struct Counted {
    Counted(const Settings &settings, const core::Answers &told);

    core::Answers answers;
    const core::Agreement *others = nullptr; // the most dangerous; borrowed
    std::size_t differing = 0;               // how many are used in another way
    bool both = false;                       // those could hold the lock, too
    std::size_t extended = 0, refused = 0;
};

Counted::Counted(const Settings &settings, const core::Answers &told) : answers(told) {
    const core::Agreement ours = settings.agreement();
    for (core::NodeIndex node = 0; node < told.size(); ++node) {
        auto &answer = answers[node];
        if (told[node] && told[node]->others) {
            ++differing;
            const core::Agreement &theirs = *told[node]->others;
            const bool endangered = core::endangers(theirs, ours, settings.timing.ttl);
            if (!others || (endangered && !both)) others = &theirs;
            both = both || core::could_hold_beside_us(told, *others, ours, true);
            if (endangered) answer.reset();
        }
        if (const auto same = core::same_server(told, node)) {
            answer.reset();
            if (settings.verbosity >= 0) say("warning: {}", is_same_server(settings, node, *same));
        }
        extended += answer && answer->answer == core::Answer::granted ? 1 : 0;
        refused += answer && answer->answer == core::Answer::refused ? 1 : 0;
    }
}

} // namespace

int run_extend(const Settings &settings, event::Signals &signals) {
    if (is_enclosing(settings, settings.token)) return refuse_enclosing(settings, signals);
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::extend, settings.key);
    pass.finish();

    const core::Answers answers = without_forgotten(sweep.answers(), {}, settings.guard);
    const Counted counted(settings, answers);
    const std::string ours = redis::in_words(settings.agreement());
    const std::string theirs = counted.others ? redis::in_words(*counted.others) : "";
    const core::ClockTrust trust{settings.timing.drift, settings.timing.slack};
    const Duration left =
        core::validity_of(counted.answers, settings.quorum, settings.timing.ttl, trust) - event::now();
    Report report = report_on(settings, settings.name, answers);
    report.ttl = settings.timing.ttl;
    report.result = "extended";
    int code = exit_code::success;
    const std::string name = printable(settings.name);
    const core::Outcome outcome =
        core::tally(settings.nodes.size(), settings.quorum, counted.extended, counted.refused);
    const bool differs = left <= Duration::zero() && counted.differing > settings.nodes.size() - settings.quorum;
    if (outcome != core::Outcome::lost && (counted.both || differs)) {
        code = exit_code::config;
        report.result = "disagreed";
        say("others use these nodes with {}, and you with {}: {} may be held by them, too, {}\n{}\n"
            "'redlock doctor' says what to mend",
            theirs, ours, name, counted.both ? "whatever these nodes answered" : "when a node has restarted",
            node_table(report.nodes));
    } else {
        if (settings.verbosity >= 0 && counted.others)
            say("warning: others use these nodes with {}, and you with {}; 'redlock doctor' says what to mend", theirs,
                ours);
        if (left > Duration::zero()) {
            report.validity = left;
            if (settings.verbosity >= 0) say("{} is yours for another {}", name, config::show_duration(left));
        } else if (outcome == core::Outcome::pending) {
            code = complain(settings, sweep, counted.extended,
                            "was not extended; what is left of its lease is as it was", report);
        } else {
            code = exit_code::lost;
            report.result = "lost";
            say("{} cannot be extended: {}\n{}", name,
                counted.extended >= settings.quorum ? "the answers came too late for this ttl"
                                                    : "this token does not hold it",
                node_table(report.nodes));
        }
    }
    if (settings.format == Format::json) print(json_text(report));
    return code;
}

} // namespace redlock::cmd
