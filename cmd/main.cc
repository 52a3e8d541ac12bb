// The program: parse, run one command, map what is thrown to words and an exit code.
#include "cmd/cli.hh"
#include "cmd/commands.hh"
#include "cmd/exit_code.hh"
#include "cmd/say.hh"
#include "cmd/settings.hh"
#include "util/error.hh"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/prctl.h>
#include <unistd.h>

namespace redlock::cmd {
namespace {

// A closed standard stream is a trap: the next descriptor would take its number, and a message meant for
// people would go to a node. Closed again in the command, as it was. Stdout not for writing: a token that was
// asked for and can be given to nobody must be an error.
void occupy_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        (void)::open("/dev/null", (fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    }
}

int run(std::span<const std::string> arguments) {
    const Invocation invocation = parse_command_line(arguments);
    if (!invocation.text.empty()) {
        print(invocation.text);
        return exit_code::success;
    }
    const Settings settings = make_settings(invocation, [](const char *name) { return std::getenv(name); });
    for (const config::NodeUrl &node : settings.cluster.nodes)
        if (!node.password.empty()) ::prctl(PR_SET_DUMPABLE, 0); // no core file with a secret in it
    for (const std::string &warning : settings.warnings)
        if (settings.output.verbosity >= 0) say("warning: {}", warning);
    event::Signals signals;
    switch (settings.command) {
    case Command::exec: return run_exec(settings, signals);
    case Command::acquire: return run_acquire(settings, signals);
    case Command::extend: return run_extend(settings, signals);
    case Command::release: return run_release(settings, signals);
    case Command::status: return run_status(settings, signals);
    case Command::init: return run_init(settings, signals);
    case Command::doctor: return run_doctor(settings, signals);
    case Command::lab: return run_lab(settings, signals);
    }
    return exit_code::internal;
}

} // namespace
} // namespace redlock::cmd

int main(int argc, char **argv) {
    namespace cmd = redlock::cmd;
    namespace exit_code = cmd::exit_code;
    cmd::occupy_standard_streams();
    try {
        const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
        return cmd::run(arguments);
    } catch (const redlock::UsageError &error) {
        cmd::say(error.what());
        return exit_code::usage;
    } catch (const redlock::ConfigError &error) {
        cmd::say(error.what());
        return exit_code::config;
    } catch (const std::bad_alloc &) {
        cmd::say("out of memory");
    } catch (const std::exception &error) {
        cmd::say(error.what());
    }
    return exit_code::internal;
}
