#include "cmd/signal_name.hh"

#include "util/text.hh"

#include <array>
#include <csignal>

namespace redlock::cmd {

namespace {

struct Signal {
    int number;
    std::string_view name;
};
constexpr std::array<Signal, 29> known_signals{
    {{SIGHUP, "HUP"},   {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGILL, "ILL"},   {SIGTRAP, "TRAP"},
     {SIGABRT, "ABRT"}, {SIGBUS, "BUS"},   {SIGFPE, "FPE"},     {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},
     {SIGSEGV, "SEGV"}, {SIGUSR2, "USR2"}, {SIGPIPE, "PIPE"},   {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
     {SIGCHLD, "CHLD"}, {SIGCONT, "CONT"}, {SIGSTOP, "STOP"},   {SIGTSTP, "TSTP"}, {SIGTTIN, "TTIN"},
     {SIGTTOU, "TTOU"}, {SIGURG, "URG"},   {SIGXCPU, "XCPU"},   {SIGXFSZ, "XFSZ"}, {SIGVTALRM, "VTALRM"},
     {SIGPROF, "PROF"}, {SIGIO, "IO"},     {SIGWINCH, "WINCH"}, {SIGSYS, "SYS"}}};

} // namespace

std::optional<int> parse_signal(std::string_view text) {
    if (const auto number = parse_number<int>(text)) return *number >= 1 && *number <= 64 ? number : std::nullopt;
    std::string name;
    for (const char c : text) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const Signal &signal : known_signals)
        if (signal.name == name) return signal.number;
    return std::nullopt;
}

std::string signal_name(int signal) {
    for (const Signal &each : known_signals)
        if (each.number == signal) return std::string(each.name);
    return "signal " + std::to_string(signal);
}

} // namespace redlock::cmd
