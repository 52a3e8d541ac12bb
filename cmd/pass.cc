#include "cmd/pass.hh"

#include "cmd/exit_code.hh"
#include "cmd/job.hh"
#include "cmd/say.hh"
#include "event/clock.hh"
#include "session/pump.hh"
#include "util/text.hh"

namespace redlock::cmd {

Pass::Pass(const Settings &settings, event::Signals &signals)
    : settings_(settings), signals_(signals), nodes_(settings.cluster.nodes, connection_patience(settings.timing)),
      await_(nodes_.size(), true) {}

core::Sweep Pass::ask(core::Verb verb, const std::string &key) {
    const Instant begin = event::now();
    core::Sweep sweep(begin, {.verb = verb,
                              .key = key,
                              .token = settings_.target.token,
                              .ttl = settings_.timing.ttl,
                              .agreement = settings_.cluster.agreement(),
                              .ask = std::vector<bool>(nodes_.size(), true),
                              .await = await_,
                              .quorum = settings_.cluster.quorum,
                              .node_timeout = settings_.timing.node_timeout,
                              .connected = next_ > 1,
                              .first = next_});
    next_ += nodes_.size();
    session::Pump pump(sweep, nodes_, signals_);
    pump.send();
    // A node that is still being connected to has not been handed its request yet.
    const Instant patience = begin + settings_.timing.node_timeout;
    while (!sweep.done() || (nodes_.waiting() && event::now() < patience))
        note_signals(pump.turn(sweep.done() ? std::optional(patience) : std::nullopt), death_);
    for (core::NodeIndex node = 0; node < nodes_.size(); ++node) {
        const auto &answer = sweep.answers()[node];
        await_[node] = answer && answer->answer != core::Answer::silent;
    }
    return sweep;
}

void Pass::finish() {
    nodes_.finish();
    if (death_ != 0) event::die_of(death_);
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
