// init: the nodes learn what all hosts must agree with, and new ones may vote at once (core/setup.hh).
#include "cmd/init.hh"

#include "cmd/commands.hh"
#include "cmd/exit_code.hh"
#include "cmd/job.hh"
#include "cmd/pass.hh"
#include "cmd/probe.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "core/agreement.hh"
#include "core/round.hh"
#include "event/clock.hh"
#include "process/interruption.hh"
#include "redis/agreement_text.hh"
#include "redis/fault.hh"
#include "session/pump.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace redlock::cmd {

namespace {

using config::show_duration;
using core::SetupEnding;

constexpr Duration between_notes = seconds{30};
constexpr Duration unhurried = seconds{2}; // one slow answer must not undo what the others have recorded

bool differs(const Cluster &cluster, const core::NodeState &state) {
    return state.terms && state.record != redis::marker_text(cluster.agreement());
}

// What is left of it, as far as is known.
Duration quarantine_of(const Cluster &cluster, const std::optional<core::Reply> &reply) {
    if (!reply || !reply->node_time || !reply->state.joined || cluster.guard == Duration{}) return {};
    return std::max(cluster.guard - Duration{std::chrono::microseconds{*reply->node_time - *reply->state.joined}},
                    Duration{});
}

// "the node is", "the nodes are".
std::string_view nodes_are(const Cluster &cluster) {
    return cluster.nodes.size() == 1 ? "the node is" : "the nodes are";
}

std::string all_must(const Cluster &cluster) {
    return (cluster.nodes.size() == 1 ? "the node" : fmt::format("all {} nodes", cluster.nodes.size())) +
           " must answer and be fit";
}

// One line a node, with what keeps it from being set up.
std::string table(const Cluster &cluster, const core::Answers &answers) {
    std::string text;
    for (core::NodeIndex node = 0; node < cluster.nodes.size(); ++node) {
        const auto &reply = answers[node];
        std::string found = "fit";
        if (const Duration left = quarantine_of(cluster, reply); left > Duration{})
            found += ", in quarantine for another " + show_duration(left);
        if (!reply) found = "no answer yet";
        else if (reply->answer != core::Answer::granted) found = reply->text;
        else if (!reply->state.unfit.empty() && cluster.guard > Duration{})
            found = redis::explain(reply->state.unfit, cluster.nodes[node].password).text;
        else if (const auto same = core::same_server(answers, node))
            found = "the same server as " + cluster.nodes[*same].display();
        else if (differs(cluster, reply->state)) found = "on record: " + redis::in_words(*reply->state.terms);
        text += fmt::format("{}  {}  {}", text.empty() ? "" : "\n", cluster.nodes[node].display(), found);
    }
    return text;
}

// Why it is waited for, and how long still.
std::string waiting(const Cluster &cluster, const core::Setup &setup, Instant now) {
    const std::string left = show_duration(std::chrono::ceil<seconds>(setup.left(now)));
    if (setup.reconfiguring())
        return fmt::format("no lock is granted for another {}, until every lock from before has ended", left);
    for (const auto &reply : setup.answers())
        if (reply && reply->state.hold_left > Duration{})
            return fmt::format("another 'redlock init --reconfigure' is at work, or was killed: {} grants no lock for "
                               "another {} at most",
                               cluster.nodes[reply->node].display(), left);
    for (const auto &reply : setup.answers())
        if (reply && differs(cluster, reply->state))
            return fmt::format("{} is used with {}; nobody has set that up, and the node forgets it in {} unless it is "
                               "used again",
                               cluster.nodes[reply->node].display(), redis::in_words(*reply->state.terms), left);
    if (cluster.nodes.size() == 1)
        return fmt::format("the node is in quarantine for another {}: it was restarted and may have forgotten a lock",
                           left);
    return fmt::format("the nodes are in quarantine for another {}: they have been used, and some are new or were "
                       "restarted and may have forgotten a lock",
                       left);
}

// Tells what is waited for: at once, then now and then; on a terminal in a line that goes on.
class Teller {
  public:
    Teller(const Cluster &cluster, bool quiet, const core::Setup &setup)
        : cluster_(cluster), quiet_(quiet), setup_(setup) {}

    void tell() {
        const Instant now = event::now();
        if (quiet_ || setup_.ended() || setup_.left(now) == Duration{}) return;
        const std::string text = waiting(cluster_, setup_, now);
        if (on_terminal_) return show_progress(text);
        if (now < due_) return;
        due_ = now + between_notes;
        say("waiting: {}", text);
    }

  private:
    const Cluster &cluster_;
    const bool quiet_;
    const core::Setup &setup_;
    const bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    Instant due_ = distant_past;
};

int unanswered(const Cluster &cluster, const core::Setup &setup) {
    const auto any = [&](auto predicate) {
        return std::any_of(setup.answers().begin(), setup.answers().end(),
                           [&](const auto &reply) { return reply && predicate(*reply); });
    };
    // What inspect says against a node may be a missing right.
    const auto denied_to_mark = [&](const core::Reply &reply) {
        return !reply.state.unfit.empty() &&
               redis::explain(reply.state.unfit, cluster.nodes[reply.node].password).trouble == core::Trouble::access;
    };
    const auto denies = [&](const core::Reply &reply) {
        return denied_to_mark(reply) || (reply.answer == core::Answer::error && reply.trouble == core::Trouble::access);
    };
    const auto unreachable = [](const core::Reply &reply) {
        return reply.answer == core::Answer::silent ||
               (reply.answer == core::Answer::error && reply.trouble == core::Trouble::passing);
    };
    say("{}: {}\n{}{}", setup.on_record() ? "recorded, but not set up" : "not set up", all_must(cluster),
        table(cluster, setup.answers()),
        any(unreachable) ? "\ncheck that these servers run and that the addresses are right" : "");
    if (any([&](const core::Reply &reply) {
            return (!reply.state.unfit.empty() && !denied_to_mark(reply)) || reply.trouble == core::Trouble::unfit;
        }))
        return exit_code::config;
    return any(denies) ? exit_code::access : exit_code::unreachable;
}

// What a node cannot do for a lock: found before anything is written. 0: all can, as far as they answer.
int refuse_unable(const Settings &settings, event::Signals &signals) {
    const Cluster &cluster = settings.cluster;
    Pass pass(settings, signals);
    const core::Sweep inspected = pass.ask(core::Verb::inspect, "");
    const core::Sweep probed = pass.ask(core::Verb::probe, probe_key());
    pass.finish();
    bool access = false;
    std::string found;
    for (core::NodeIndex node = 0; node < cluster.nodes.size(); ++node)
        for (const Shortcoming &each :
             shortcomings(cluster.prefix, cluster.nodes[node], inspected.answers()[node], probed.answers()[node])) {
            // A replica is one of those that inspect names better.
            if (each.doubtful || each.trouble == core::Trouble::replica) continue;
            access = access || each.trouble == core::Trouble::access;
            found += fmt::format("\n  {}  {}", cluster.nodes[node].display(), each.text);
        }
    if (found.empty()) return exit_code::success;
    say("not set up: {}{}", all_must(cluster), found);
    return access ? exit_code::access : exit_code::config;
}

int explain(const Cluster &cluster, bool quiet, const core::Setup &setup, Instant now) {
    const std::string ours = redis::in_words(cluster.agreement());
    switch (setup.ending()) {
    case SetupEnding::done:
        if (!quiet) say("set up: {}", ours);
        return exit_code::success;
    case SetupEnding::already:
        if (!quiet) say("already set up: {}", ours);
        return exit_code::success;
    case SetupEnding::unanswered: return unanswered(cluster, setup);
    case SetupEnding::twice:
        say("not set up: one server is listed twice, and would vote twice; leave one of them out\n{}",
            table(cluster, setup.answers()));
        return exit_code::config;
    case SetupEnding::differs:
        say("not set up: the settings here are {}, and the nodes have different ones on record\n{}\nif the settings of "
            "this host are wrong, correct -S, --quorum or --restart-guard here; if they are to change on all hosts, "
            "stop all jobs and change them everywhere, then type once: {}",
            ours, table(cluster, setup.answers()), again(cluster, "redlock init --reconfigure"));
        return exit_code::config;
    case SetupEnding::held:
        say("nothing was changed: {}{}; stop all jobs that use these nodes, then try again", printable(setup.lock()),
            setup.holder().empty() ? " was in use meanwhile" : " is held by " + describe_holder(setup.holder()));
        return exit_code::busy;
    case SetupEnding::on_hold:
        say("nothing was changed: another 'redlock init --reconfigure' is at work, or was killed; try again when it "
            "has "
            "ended ('redlock doctor' says how long that takes at most)");
        return exit_code::busy;
    case SetupEnding::later:
        if (setup.reconfiguring())
            say("nothing was changed: it takes {}, until every lock from before has ended",
                show_duration(std::chrono::ceil<seconds>(setup.left(now))));
        else if (setup.on_record()) say("recorded: {}; {}", ours, waiting(cluster, setup, now));
        else say("not set up yet: {}", waiting(cluster, setup, now));
        return exit_code::unreachable;
    case SetupEnding::unsettled:
        say("not set up: the nodes restart, or lose what is written, again and again; look at their logs\n{}",
            table(cluster, setup.answers()));
        return exit_code::unreachable;
    case SetupEnding::interrupted:
    case SetupEnding::none: break;
    }
    return exit_code::internal;
}

} // namespace

std::string again(const Cluster &cluster, std::string_view command) {
    return fmt::format("{}{}{}", command, cluster.same_again.empty() ? "" : ", ", cluster.same_again);
}

core::Setup::Plan setup_plan(const Cluster &cluster, const Timing &timing, const InitSettings &settings) {
    return {.nodes = cluster.nodes.size(),
            .agreement = cluster.agreement(),
            .record = redis::marker_text(cluster.agreement()),
            .reconfigure = settings.reconfigure,
            .wait = !settings.no_wait,
            .node_timeout = std::max(timing.node_timeout, unhurried),
            .drift = timing.trust.drift,
            .id = random_hex128()};
}

int run_setup(core::Setup &setup, redis::Nodes &nodes, event::Signals &signals, const std::function<void()> &tell) {
    session::Pump pump(setup, nodes, signals);
    process::Interruption interruption;
    pump.send();
    while (!setup.ended()) {
        const bool told = interruption.signal() != 0;
        interruption.note(pump.turn());
        if (interruption.signal() != 0 && !told) {
            setup.give_up(event::now());
            pump.send();
        }
        tell();
    }
    nodes.finish();
    return interruption.signal();
}

std::string set_up_hint(const Cluster &cluster) {
    return fmt::format("if these servers are new and no job has used them yet: {}; after a restart, wait",
                       again(cluster, "redlock init"));
}

int run_init(const Settings &settings, event::Signals &signals) {
    if (const int code = refuse_unable(settings, signals); code != exit_code::success) return code;
    const Cluster &cluster = settings.cluster;
    const bool quiet = settings.output.verbosity < 0;
    redis::Nodes nodes(cluster.nodes);
    core::Setup setup(event::now(), setup_plan(cluster, settings.timing, settings.init));
    Teller teller(cluster, quiet, setup);
    const int death = run_setup(setup, nodes, signals, [&] { teller.tell(); });
    show_progress("");
    for (const core::NodeIndex node : setup.left_behind())
        say("warning: {} did not answer when its record was taken back, and may still have it: {}",
            cluster.nodes[node].display(), redis::in_words(cluster.agreement()));
    if (death != 0) {
        if (!quiet && setup.ending() == SetupEnding::interrupted) {
            if (setup.changed())
                say("interrupted; recorded: {}; {} perhaps still in quarantine", redis::in_words(cluster.agreement()),
                    nodes_are(cluster));
            else say("interrupted; nothing was changed");
        }
        event::die_of(death);
    }
    return explain(cluster, quiet, setup, event::now());
}

} // namespace redlock::cmd
