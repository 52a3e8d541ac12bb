#include "cmd/failure.hh"

#include "cmd/exit_code.hh"
#include "cmd/init.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/setup.hh"
#include "redis/agreement_text.hh"
#include "util/text.hh"

#include <algorithm>

namespace redlock::cmd {

namespace {

std::string table_of(const Settings &settings, const core::Lock &lock) {
    return node_table(nodes_of(settings.cluster, lock.latest_answers()));
}

int explain_busy(const Settings &settings, const core::Lock &lock) {
    const std::string name = printable(settings.target.name);
    const std::optional<Duration> wait = settings.claim.wait;
    if (!lock.blocker().empty()) {
        if (settings.output.verbosity >= 0)
            say("{} is busy: held by {}{}", name, describe_holder(lock.blocker()),
                wait && *wait > Duration{} ? "; gave up after " + config::show_duration(*wait) : "");
        return settings.claim.conflict_exit_code;
    }
    if (wait > Duration{} && *wait < 2 * settings.timing.node_timeout)
        say("{} could not be had within {}: --wait is too short to ask the nodes; -n asks them once\n{}", name,
            config::show_duration(*wait), table_of(settings, lock));
    else
        say("{} could not be had: the answers came too late for this lease, because the nodes are slow, or because "
            "redlock or the machine stood still (--ttl, --node-timeout)\n{}",
            name, table_of(settings, lock));
    return exit_code::unreachable;
}

int explain_unreachable(const Settings &settings, const core::Lock &lock) {
    const std::string name = printable(settings.target.name), table = table_of(settings, lock);
    const std::size_t quorum = settings.cluster.quorum, nodes = settings.cluster.nodes.size();
    if (const auto left = lock.quarantine())
        say("{} cannot be had yet: {}\n{}", name, quarantined(settings, *left, lock.last_round().answers()), table);
    else if (too_many_replicas(lock.latest_answers(), quorum))
        say("too many of these servers are replicas, and a replica cannot vote: {} needs {} of {}\n{}\nname "
            "primaries as nodes, independent of each other",
            name, quorum, nodes, table);
    else if (too_many_refuse(lock.latest_answers(), quorum))
        say("too many of the nodes refuse to work: {} needs {} of {}\n{}", name, quorum, nodes, table);
    else
        say("no majority of the nodes can be reached: {} needs {} of {}\n{}\ncheck that these servers run "
            "and that the addresses are right; `redlock lab` gives you some to try with",
            name, quorum, nodes, table);
    return exit_code::unreachable;
}

} // namespace

int explain_failure(const Settings &settings, const core::Lock &lock, bool by_ourselves) {
    const std::string name = printable(settings.target.name);
    if (by_ourselves) {
        if (settings.output.verbosity >= 0)
            say("{} is held by the redlock that this command runs under, so it would wait for itself (REDLOCK_HELD)",
                name);
        return settings.claim.conflict_exit_code;
    }
    switch (lock.ending()) {
    case core::Ending::busy: return explain_busy(settings, lock);
    case core::Ending::unreachable: return explain_unreachable(settings, lock);
    case core::Ending::denied:
        if (lock.last_round().unfit()) {
            say("too many of the servers are not fit to be nodes, so {} cannot be locked\n{}", name,
                table_of(settings, lock));
            return exit_code::config;
        }
        say("the nodes refuse our credentials or commands, so {} cannot be locked\n{}", name, table_of(settings, lock));
        return exit_code::access;
    case core::Ending::disagreed:
        say("{} cannot be locked safely: others use these nodes in another way, or one server is listed twice, so that "
            "two could hold it at once\n{}\n'redlock doctor' says what to mend; all hosts need the same nodes, "
            "--quorum and --restart-guard (here: {})",
            name, table_of(settings, lock), redis::in_words(settings.cluster.agreement()));
        return exit_code::config;
    default: return exit_code::internal;
    }
}

std::string quarantined(const Settings &settings, Duration left, const core::Answers &answers) {
    if (std::any_of(answers.begin(), answers.end(), [](const auto &reply) { return reply && reply->on_hold; }))
        return fmt::format("'redlock init --reconfigure' is at work, or was killed: the nodes grant no lock for "
                           "another {} at most",
                           config::show_duration(left));
    const bool fresh = core::looks_new(answers); // no client has used them yet, as far as is known
    return fmt::format("the nodes are new or have restarted, may have forgotten a lock, and vote in {}{}",
                       config::show_duration(left), fresh ? " (" + set_up_hint(settings.cluster) + ")" : "");
}

} // namespace redlock::cmd
