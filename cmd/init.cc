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
#include "core/round.hh"
#include "event/clock.hh"
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

bool differs(const Settings &settings, const core::NodeState &state) {
    return state.terms && state.record != redis::marker_text(settings.agreement());
}

// What is left of it, as far as is known.
Duration quarantine_of(const Settings &settings, const std::optional<core::Reply> &reply) {
    if (!reply || !reply->node_time || !reply->state.joined || settings.guard == Duration{}) return {};
    return std::max(settings.guard - Duration{std::chrono::microseconds{*reply->node_time - *reply->state.joined}},
                    Duration{});
}

// "the node is", "the nodes are".
std::string_view nodes_are(const Settings &settings) {
    return settings.nodes.size() == 1 ? "the node is" : "the nodes are";
}

std::string all_must(const Settings &settings) {
    return (settings.nodes.size() == 1 ? "the node" : fmt::format("all {} nodes", settings.nodes.size())) +
           " must answer and be fit";
}

// One line a node, with what keeps it from being set up.
std::string table(const Settings &settings, const core::Answers &answers) {
    std::string text;
    for (core::NodeIndex node = 0; node < settings.nodes.size(); ++node) {
        const auto &reply = answers[node];
        std::string found = "fit";
        if (const Duration left = quarantine_of(settings, reply); left > Duration{})
            found += ", in quarantine for another " + show_duration(left);
        if (!reply) found = "no answer yet";
        else if (reply->answer != core::Answer::granted) found = reply->text;
        else if (!reply->state.unfit.empty() && settings.guard > Duration{})
            found = redis::explain(reply->state.unfit, settings.nodes[node].password).text;
        else if (const auto same = core::same_server(answers, node))
            found = "the same server as " + settings.nodes[*same].display();
        else if (differs(settings, reply->state)) found = "on record: " + redis::in_words(*reply->state.terms);
        text += fmt::format("{}  {}  {}", text.empty() ? "" : "\n", settings.nodes[node].display(), found);
    }
    return text;
}

// Why it is waited for, and how long still.
std::string waiting(const Settings &settings, const core::Setup &setup, Instant now) {
    const std::string left = show_duration(std::chrono::ceil<seconds>(setup.left(now)));
    if (setup.reconfiguring())
        return fmt::format("no lock is granted for another {}, until every lock from before has ended", left);
    for (const auto &reply : setup.answers())
        if (reply && reply->state.hold_left > Duration{})
            return fmt::format("another 'redlock init --reconfigure' is at work, or was killed: {} grants no lock for "
                               "another {} at most",
                               settings.nodes[reply->node].display(), left);
    for (const auto &reply : setup.answers())
        if (reply && differs(settings, reply->state))
            return fmt::format("{} is used with {}; nobody has set that up, and the node forgets it in {} unless it is "
                               "used again",
                               settings.nodes[reply->node].display(), redis::in_words(*reply->state.terms), left);
    if (settings.nodes.size() == 1)
        return fmt::format("the node is in quarantine for another {}: it was restarted and may have forgotten a lock",
                           left);
    return fmt::format("the nodes are in quarantine for another {}: they have been used, and some are new or were "
                       "restarted and may have forgotten a lock",
                       left);
}

// Tells what is waited for: at once, then now and then; on a terminal in a line that goes on.
class Teller {
  public:
    Teller(const Settings &settings, const core::Setup &setup) : settings_(settings), setup_(setup) {}

    void tell() {
        const Instant now = event::now();
        if (settings_.verbosity < 0 || setup_.ended() || setup_.left(now) == Duration{}) return;
        const std::string text = waiting(settings_, setup_, now);
        if (on_terminal_) return show_progress(text);
        if (now < due_) return;
        due_ = now + between_notes;
        say("waiting: {}", text);
    }

  private:
    const Settings &settings_;
    const core::Setup &setup_;
    const bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    Instant due_ = distant_past;
};

int unanswered(const Settings &settings, const core::Setup &setup) {
    const auto any = [&](auto predicate) {
        return std::any_of(setup.answers().begin(), setup.answers().end(),
                           [&](const auto &reply) { return reply && predicate(*reply); });
    };
    // What inspect says against a node may be a missing right.
    const auto denied_to_mark = [&](const core::Reply &reply) {
        return !reply.state.unfit.empty() &&
               redis::explain(reply.state.unfit, settings.nodes[reply.node].password).trouble == core::Trouble::access;
    };
    const auto denies = [&](const core::Reply &reply) {
        return denied_to_mark(reply) || (reply.answer == core::Answer::error && reply.trouble == core::Trouble::access);
    };
    const auto unreachable = [](const core::Reply &reply) {
        return reply.answer == core::Answer::silent ||
               (reply.answer == core::Answer::error && reply.trouble == core::Trouble::passing);
    };
    say("{}: {}\n{}{}", setup.on_record() ? "recorded, but not set up" : "not set up", all_must(settings),
        table(settings, setup.answers()),
        any(unreachable) ? "\ncheck that these servers run and that the addresses are right" : "");
    if (any([&](const core::Reply &reply) {
            return (!reply.state.unfit.empty() && !denied_to_mark(reply)) || reply.trouble == core::Trouble::unfit;
        }))
        return exit_code::config;
    return any(denies) ? exit_code::access : exit_code::unreachable;
}

// What a node cannot do for a lock: found before anything is written. 0: all can, as far as they answer.
int refuse_unable(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    const core::Sweep inspected = pass.ask(core::Verb::inspect, "");
    const core::Sweep probed = pass.ask(core::Verb::probe, probe_key());
    pass.finish();
    bool access = false;
    std::string found;
    for (core::NodeIndex node = 0; node < settings.nodes.size(); ++node)
        for (const Shortcoming &each :
             shortcomings(settings, settings.nodes[node], inspected.answers()[node], probed.answers()[node])) {
            // A replica is one of those that inspect names better.
            if (each.doubtful || each.trouble == core::Trouble::replica) continue;
            access = access || each.trouble == core::Trouble::access;
            found += fmt::format("\n  {}  {}", settings.nodes[node].display(), each.text);
        }
    if (found.empty()) return exit_code::success;
    say("not set up: {}{}", all_must(settings), found);
    return access ? exit_code::access : exit_code::config;
}

int explain(const Settings &settings, const core::Setup &setup, Instant now) {
    const bool quiet = settings.verbosity < 0;
    const std::string ours = redis::in_words(settings.agreement());
    switch (setup.ending()) {
    case SetupEnding::done:
        if (!quiet) say("set up: {}", ours);
        return exit_code::success;
    case SetupEnding::already:
        if (!quiet) say("already set up: {}", ours);
        return exit_code::success;
    case SetupEnding::unanswered: return unanswered(settings, setup);
    case SetupEnding::twice:
        say("not set up: one server is listed twice, and would vote twice; leave one of them out\n{}",
            table(settings, setup.answers()));
        return exit_code::config;
    case SetupEnding::differs:
        say("not set up: the settings here are {}, and the nodes have different ones on record\n{}\nif the settings of "
            "this host are wrong, correct -S, --quorum or --restart-guard here; if they are to change on all hosts, "
            "stop all jobs and change them everywhere, then type once: {}",
            ours, table(settings, setup.answers()), again(settings, "redlock init --reconfigure"));
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
        else if (setup.on_record()) say("recorded: {}; {}", ours, waiting(settings, setup, now));
        else say("not set up yet: {}", waiting(settings, setup, now));
        return exit_code::unreachable;
    case SetupEnding::unsettled:
        say("not set up: the nodes restart, or lose what is written, again and again; look at their logs\n{}",
            table(settings, setup.answers()));
        return exit_code::unreachable;
    case SetupEnding::interrupted:
    case SetupEnding::none: break;
    }
    return exit_code::internal;
}

} // namespace

std::string again(const Settings &settings, std::string_view command) {
    return fmt::format("{}{}{}", command, settings.same_again.empty() ? "" : ", ", settings.same_again);
}

core::Setup::Plan setup_plan(const Settings &settings) {
    return {.nodes = settings.nodes.size(),
            .agreement = settings.agreement(),
            .record = redis::marker_text(settings.agreement()),
            .reconfigure = settings.reconfigure,
            .wait = !settings.no_wait,
            .node_timeout = std::max(settings.timing.node_timeout, unhurried),
            .drift = settings.timing.drift,
            .id = random_hex128()};
}

int run_setup(core::Setup &setup, redis::Nodes &nodes, event::Signals &signals, const std::function<void()> &tell) {
    session::Pump pump(setup, nodes, signals);
    int death = 0;
    pump.send();
    while (!setup.ended()) {
        const bool told = death != 0;
        note_signals(pump.turn(), death);
        if (death != 0 && !told) {
            setup.give_up(event::now());
            pump.send();
        }
        tell();
    }
    nodes.finish();
    return death;
}

std::string set_up_hint(const Settings &settings) {
    return fmt::format("if these servers are new and no job has used them yet: {}; after a restart, wait",
                       again(settings, "redlock init"));
}

int run_init(const Settings &settings, event::Signals &signals) {
    if (const int code = refuse_unable(settings, signals); code != exit_code::success) return code;
    redis::Nodes nodes(settings.nodes);
    core::Setup setup(event::now(), setup_plan(settings));
    Teller teller(settings, setup);
    const int death = run_setup(setup, nodes, signals, [&] { teller.tell(); });
    show_progress("");
    for (const core::NodeIndex node : setup.left_behind())
        say("warning: {} did not answer when its record was taken back, and may still have it: {}",
            settings.nodes[node].display(), redis::in_words(settings.agreement()));
    if (death != 0) {
        if (settings.verbosity >= 0 && setup.ending() == SetupEnding::interrupted) {
            if (setup.changed())
                say("interrupted; recorded: {}; {} perhaps still in quarantine", redis::in_words(settings.agreement()),
                    nodes_are(settings));
            else say("interrupted; nothing was changed");
        }
        event::die_of(death);
    }
    return explain(settings, setup, event::now());
}

} // namespace redlock::cmd
