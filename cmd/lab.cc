// lab: a command that runs with N throwaway nodes on this machine, and nothing left afterwards.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/init.hh"
#include "cmd/job.hh"
#include "cmd/lab_servers.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "core/round.hh"
#include "event/clock.hh"
#include "util/text.hh"

#include <csignal>
#include <optional>
#include <unistd.h>

namespace redlock::cmd {

namespace {

// Brand-new nodes have nothing to forget. No record is written: people try out settings in a lab.
void set_up(const LabServers &servers, event::Signals &signals) {
    Cluster cluster{.nodes = config::parse_node_list(servers.node_list()), .guard = default_ttl};
    cluster.quorum = core::majority(cluster.nodes.size());
    // A machine that has just started so many servers is busy.
    core::Setup::Plan plan = setup_plan(cluster, {.node_timeout = seconds{5}}, {});
    plan.record.clear();
    redis::Nodes nodes(cluster.nodes);
    core::Setup setup(event::now(), std::move(plan));
    const int death = run_setup(setup, nodes, signals, [] {});
    if (death != 0) event::die_of(death);
    if (setup.ending() != core::SetupEnding::done)
        throw LabUnavailable("lab: the servers started do not answer\n" +
                             node_table(nodes_of(cluster, setup.answers())));
}

// The servers are gone when this returns: 0, or the signal that came before there was a job.
int run(const Settings &settings, event::Signals &signals, std::optional<Job> &job) {
    LabServers servers(settings.lab, signals);
    if (const int death = servers.start(); death != 0) return death;
    set_up(servers, signals);
    if (settings.output.verbosity > 0) say("lab: {} for {}", servers.program(), servers.node_list());
    if (settings.job.users_shell && settings.output.verbosity >= 0 && ::isatty(STDIN_FILENO) == 1)
        say("lab: {} for this shell ({}); try: redlock exec demo -- sleep 60\n"
            "lab: leave with 'exit': everything is gone then",
            counted(settings.lab.nodes, "node"), printable(settings.job.words[0]));
    job.emplace(settings.job,
                std::vector<std::string>{"REDLOCK_NODES=" + servers.node_list(), "REDLOCK_LAB_DIR=" + servers.folder()},
                signals);
    while (!job->has_ended()) {
        for (const int signal : wait_for_signals(signals))
            if (signal != SIGCHLD) job->send(signal);
        servers.reap();
    }
    return 0;
}

} // namespace

int run_lab(const Settings &settings, event::Signals &signals) {
    std::optional<Job> job;
    try {
        if (const int death = run(settings, signals, job); death != 0) event::die_of(death);
    } catch (const LabUnavailable &error) {
        say(error.what());
        return exit_code::unreachable;
    }
    return job->result();
}

} // namespace redlock::cmd
