#include "cmd/pass.hh"

#include "cmd/exit_code.hh"
#include "cmd/say.hh"
#include "util/text.hh"

namespace redlock::cmd {

Pass::Pass(const Settings &settings, event::Signals &signals)
    : settings_(settings), inquiry_({.nodes = settings.cluster.nodes,
                                     .patience = connection_patience(settings.timing),
                                     .quorum = settings.cluster.quorum,
                                     .agreement = settings.cluster.agreement(),
                                     .ttl = settings.timing.ttl,
                                     .node_timeout = settings.timing.node_timeout},
                                    signals, interruption_) {}

void Pass::finish() {
    inquiry_.finish();
    interruption_.obey();
}

int code_when_denied(const core::Sweep &sweep) { return sweep.unfit() ? exit_code::config : exit_code::access; }

int complain(const Settings &settings, const core::Sweep &sweep, std::size_t well, std::string_view trouble,
             Report &report) {
    const std::string name = printable(settings.target.name);
    const std::string table = node_table(report.nodes);
    if (sweep.denied()) {
        report.result = "denied";
        say("{}: {} {}\n{}",
            sweep.unfit() ? "too many of the servers are not fit to be nodes"
                          : "the nodes refuse our credentials or commands",
            name, trouble, table);
        return code_when_denied(sweep);
    }
    report.result = "unreachable";
    if (too_many_refuse(sweep.answers(), settings.cluster.quorum)) {
        say("too many of the nodes refuse to work: {} {}\n{}", name, trouble, table);
        return exit_code::unreachable;
    }
    // Of an extend a no does not help: what matters is who extended.
    const bool extend = settings.command == Command::extend;
    say("{} of {} {}, {} {} needed: {} {}\n{}", well, counted(settings.cluster.nodes.size(), "node"),
        extend ? "extended the lease" : "answered", settings.cluster.quorum,
        settings.cluster.quorum == 1 ? "is" : "are", name, trouble, table);
    return exit_code::unreachable;
}

} // namespace redlock::cmd
