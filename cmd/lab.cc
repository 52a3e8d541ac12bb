#include "cmd/lab.hh"

#include "cmd/exit_code.hh"
#include "cmd/lab_servers.hh"
#include "cmd/say.hh"
#include "event/poll_set.hh"
#include "process/child.hh"
#include "process/terminal.hh"
#include "util/text.hh"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <unistd.h>

namespace redlock::cmd {

namespace {

struct Outcome {
    int code = 0;
    std::optional<int> die_of;
};

std::vector<std::string> users_shell() {
    const char *shell = std::getenv("SHELL");
    return {shell != nullptr && *shell != '\0' ? shell : "/bin/sh"};
}

Outcome outcome_of(const process::Status &status, const process::Child &child, const std::string &name,
                   const std::vector<int> &passed_on) {
    if (const std::optional<int> error = child.exec_error()) {
        say("lab: cannot execute {}: {}", printable(name), std::strerror(*error));
        return {*error == ENOENT ? exit_code::not_found : exit_code::not_executable, std::nullopt};
    }
    if (!status.killed()) return {status.exit_code(), std::nullopt};
    const int signal = status.term_signal();
    const bool ours = signal == SIGINT || signal == SIGQUIT ||
                      std::find(passed_on.begin(), passed_on.end(), signal) != passed_on.end();
    return {exit_code::signal_base + signal, ours ? std::optional(signal) : std::nullopt};
}

Outcome run_command(const process::Command &command, LabServers &servers, event::Signals &signals) {
    process::Terminal terminal;
    const int to_lend = terminal.to_lend();
    process::Child child(command, signals, to_lend);
    if (to_lend >= 0) terminal.lent_to(child.pid());
    std::vector<int> passed_on;
    event::PollSet set;
    for (;;) {
        set.clear();
        signals.watch(set);
        set.wait(std::nullopt);
        for (const int signal : signals.take(set)) {
            if (signal == SIGCHLD) continue;
            if (signal == SIGCONT) terminal.continued(child.pid());
            passed_on.push_back(signal);
            child.signal_group(signal);
        }
        servers.reap();
        while (const auto status = child.poll()) {
            if (!status->stopped()) return outcome_of(*status, child, command.argv[0], passed_on);
            terminal.follow_stop(child.pid(), status->stop_signal());
        }
    }
}

Outcome run(const LabOptions &options, event::Signals &signals) {
    LabServers servers(options.nodes, options.tcp, signals);
    if (const auto signal = servers.wait_until_ready(signals)) return {0, signal};

    process::Command command{options.command,
                             {"REDLOCK_NODES=" + servers.node_list(), "REDLOCK_LAB_DIR=" + servers.folder()}};
    if (options.verbose > 0) say("lab: {} for {}", servers.program(), servers.node_list());
    if (command.argv.empty()) command.argv = users_shell();
    if (command.argv == users_shell() && !options.quiet && ::isatty(STDIN_FILENO) == 1)
        say("lab: {} nodes for this shell ({}); try: redlock exec demo -- sleep 60\n"
            "lab: leave with 'exit': the nodes and all that they hold are gone then",
            options.nodes, printable(command.argv[0]));
    return run_command(command, servers, signals);
}

} // namespace

int run_lab(const LabOptions &options, event::Signals &signals) {
    Outcome outcome;
    try {
        outcome = run(options, signals); // the servers are gone when this returns
    } catch (const LabUnavailable &error) {
        say(error.what());
        return exit_code::unreachable;
    }
    if (outcome.die_of) event::die_of(*outcome.die_of);
    return outcome.code;
}

} // namespace redlock::cmd
