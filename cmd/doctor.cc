// doctor: are these servers fit to hold locks, and may they vote? Findings, with what mends each. It only looks: but a
// node that is new or has restarted notes so in its marker, as with every other command.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/init.hh"
#include "cmd/json.hh"
#include "cmd/pass.hh"
#include "cmd/probe.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "redis/agreement_text.hh"
#include "redis/fault.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

using config::show_duration;

enum class Weight { good, note, warning, mend };
constexpr std::string_view word_of(Weight weight) {
    constexpr std::string_view words[] = {"good", "note", "warning", "mend"};
    return words[static_cast<int>(weight)];
}

struct Finding {
    Weight weight = Weight::good;
    std::string text;
    bool access = false; // a right or a command is missing
};

struct Examined {
    std::string node;
    std::vector<Finding> findings{}; // at least one
    bool answered = false;
    bool contradicts = false; // others use it in another way
    bool lapses = false;      // and no init has said so
    bool used = false;        // by some client, since it has its data
    Duration quarantine{};    // what is left
    bool on_hold = false;     // init --reconfigure lets nobody begin
};

constexpr Duration proposals_count = seconds{10}; // further ahead of a node's clock a fence is not believed

// What the guard makes of the marker.
void examine_marker(const Settings &settings, const core::Reply &reply, Examined &node) {
    const core::NodeState &state = reply.state;
    const core::Agreement ours = settings.agreement();
    node.used = state.used;
    node.contradicts = state.terms && redis::marker_text(*state.terms) != redis::marker_text(ours);
    if (node.contradicts)
        node.findings.push_back(Finding{Weight::mend, fmt::format("others use it with {}, and you with {}: {}",
                                                                  redis::in_words(*state.terms), redis::in_words(ours),
                                                                  core::could_both_hold(*state.terms, ours)
                                                                      ? "both could hold a lock at once"
                                                                      : "it has no vote for you")});
    node.lapses = state.lapses.has_value();
    if (node.contradicts && state.lapses)
        node.findings.push_back(
            Finding{Weight::note, fmt::format("nobody has set that up: it forgets that in {} unless they use it again",
                                              show_duration(*state.lapses))});
    if (state.hold_left > Duration{}) {
        node.on_hold = true;
        node.quarantine = state.hold_left;
        node.findings.push_back(
            Finding{Weight::note, fmt::format("'redlock init --reconfigure' is at work, or was killed: no lock is "
                                              "granted here for another {} at most",
                                              show_duration(state.hold_left))});
    }
    if (!state.joined || settings.guard == Duration{}) return;
    const Duration since = std::chrono::microseconds{*reply.node_time - *state.joined};
    if (since >= settings.guard) return;
    node.quarantine = std::max(node.quarantine, settings.guard - since);
    node.findings.push_back(
        Finding{Weight::note, fmt::format("it is new or has restarted, and may have forgotten a lock: no vote "
                                          "for {} more",
                                          show_duration(settings.guard - since))});
}

void examine_clock(const core::Reply &reply, std::vector<Finding> &findings) {
    const Duration ahead =
        std::chrono::microseconds{*reply.node_time - static_cast<core::NodeTime>(event::wall_clock_us())};
    if (ahead > proposals_count || ahead < -proposals_count)
        findings.push_back(
            Finding{Weight::warning, fmt::format("its clock and ours differ by {}; locks do not mind, people who "
                                                 "read status do",
                                                 show_duration(ahead < Duration{} ? -ahead : ahead))});
}

std::vector<Examined> examine(const Settings &settings, const core::Sweep &sweep) {
    std::vector<Examined> all;
    for (const Report::Node &node : nodes_of(settings, sweep.answers())) {
        Examined &found = all.emplace_back(Examined{.node = node.name});
        const auto &reply = node.reply;
        found.answered = reply && reply->answer == core::Answer::granted;
        if (!found.answered) {
            const bool unfit =
                reply && (reply->trouble == core::Trouble::unfit || reply->trouble == core::Trouble::replica);
            const bool denied = reply && reply->trouble == core::Trouble::access;
            found.findings.push_back({unfit || denied ? Weight::mend : Weight::warning,
                                      !reply || reply->text.empty() ? "no answer" : reply->text, denied});
            continue;
        }
        if (const std::string &why = reply->state.unfit; !why.empty()) {
            const redis::Fault fault = redis::explain(why, settings.nodes[all.size() - 1].password);
            found.findings.push_back({Weight::mend, fault.text, fault.trouble == core::Trouble::access});
        }
        if (const auto same = core::same_server(sweep.answers(), all.size() - 1))
            found.findings.push_back(Finding{Weight::mend, fmt::format("it is the same server as {}, and would vote "
                                                                       "twice; leave one of them out",
                                                                       all[*same].node)});
        examine_marker(settings, *reply, found);
        examine_clock(*reply, found.findings);
        if (found.findings.empty()) found.findings.push_back({Weight::good, "fit, and may vote"});
    }
    return all;
}

// What the nodes said when doctor tried what a lock needs.
void examine_probe(const Settings &settings, const core::Sweep &inspected, const core::Sweep &probed,
                   std::vector<Examined> &nodes) {
    for (core::NodeIndex index = 0; index < nodes.size(); ++index) {
        Examined &node = nodes[index];
        std::vector<Shortcoming> all =
            shortcomings(settings, settings.nodes[index], inspected.answers()[index], probed.answers()[index]);
        const auto certain = [](const Shortcoming &found) {
            return found.trouble == core::Trouble::access && !found.doubtful;
        };
        // The same, and less exact.
        if (std::any_of(all.begin(), all.end(), certain))
            std::erase_if(node.findings, [](const Finding &finding) { return finding.access; });
        for (Shortcoming &found : all) {
            const auto told = [&](const Finding &finding) { return finding.text == found.text; };
            const bool replica = found.trouble == core::Trouble::replica; // inspect has said whose
            if (replica || std::any_of(node.findings.begin(), node.findings.end(), told)) continue;
            if (!node.findings.empty() && node.findings[0].weight == Weight::good) node.findings.clear();
            node.findings.push_back({found.doubtful ? Weight::warning : Weight::mend, std::move(found.text),
                                     found.trouble == core::Trouble::access});
        }
        const std::string &user = settings.nodes[index].user;
        if (node.answered && settings.prefix.empty() && !user.empty() && user != "default")
            node.findings.push_back(
                {Weight::note, "the user's rights on the locks' own keys were not tried; with --prefix they are"});
    }
}

std::string text_of(const std::vector<Examined> &nodes) {
    std::string text;
    for (const Examined &node : nodes) {
        text += node.node + '\n';
        for (const Finding &finding : node.findings)
            text += fmt::format("  {}: {}\n", word_of(finding.weight), finding.text);
    }
    return text;
}

std::string json_of(const std::vector<Examined> &nodes, std::string_view result, Duration guard) {
    nlohmann::json list = nlohmann::json::array();
    for (const Examined &node : nodes) {
        nlohmann::json findings = nlohmann::json::array();
        for (const Finding &finding : node.findings)
            findings.push_back({{"weight", word_of(finding.weight)}, {"text", finding.text}});
        list.push_back({{"node", node.node},
                        {"answered", node.answered},
                        {"quarantine_ms", to_ms(node.quarantine)},
                        {"findings", findings}});
    }
    const nlohmann::json all{{"result", result}, {"nodes", list}, {"restart_guard_ms", to_ms(guard)}};
    return json_line(all);
}

// What holds for all of them, once.
std::string advice(const Settings &settings, const std::vector<Examined> &nodes, const core::Sweep &sweep) {
    const auto any = [&](auto predicate) { return std::any_of(nodes.begin(), nodes.end(), predicate); };
    std::string text;
    if (settings.guard == Duration{}) text += std::string(guard_is_off) + '\n';
    const std::size_t answered = sweep.granted();
    if (answered < settings.quorum && !sweep.denied() && too_many_refuse(sweep.answers(), settings.quorum))
        text += fmt::format("{} {} needed for a lock, and the others refuse to work, as told above\n",
                            counted(settings.quorum, "node"), settings.quorum == 1 ? "is" : "are");
    else if (answered < settings.quorum && !sweep.denied())
        text += fmt::format("{} {} needed for a lock, and {} {}: check that these servers run and that the addresses "
                            "are right\n",
                            counted(settings.quorum, "node"), settings.quorum == 1 ? "is" : "are", answered,
                            answered == 1 ? "answers" : "answer");
    const auto contradicts = [](const Examined &node) { return node.contradicts; };
    if (any(contradicts) && !any([](const Examined &node) { return node.contradicts && !node.lapses; }))
        text +=
            fmt::format("nobody has set that up. If it was a trial run: {} waits until it has lapsed, and then records "
                        "the settings of this host. If other hosts use these nodes so, correct -S, --quorum or "
                        "--restart-guard here\n",
                        again(settings, "redlock init"));
    else if (any(contradicts))
        text +=
            fmt::format("if the settings of this host are wrong, correct -S, --quorum or --restart-guard here; if "
                        "they are to change on all hosts, stop all jobs and change them everywhere, then type once: "
                        "redlock init --reconfigure{}\n",
                        settings.same_again.empty() ? "" : ", " + settings.same_again);
    if (!any([](const Examined &node) { return node.quarantine > Duration{}; })) return text;
    if (any([](const Examined &node) { return node.on_hold; }))
        return text + "the nodes grant locks again when that init has ended, and at the latest after that time\n";
    // Only where that ends the quarantine at once.
    if (any([](const Examined &node) { return node.used || !node.answered || node.contradicts; }))
        text += "a node may have forgotten a lock; the quarantine ends by itself\n";
    else text += set_up_hint(settings) + '\n';
    return text;
}

} // namespace

int run_doctor(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::inspect, "");
    const core::Sweep probe = pass.ask(core::Verb::probe, probe_key());
    pass.finish();

    std::vector<Examined> nodes = examine(settings, sweep);
    examine_probe(settings, sweep, probe, nodes);
    const auto any = [&](auto predicate) { return std::any_of(nodes.begin(), nodes.end(), predicate); };
    const auto to_mend_with = [&](bool access) {
        return any([&](const Examined &node) {
            return std::any_of(node.findings.begin(), node.findings.end(), [&](const Finding &finding) {
                return finding.weight == Weight::mend && finding.access == access;
            });
        });
    };
    const bool to_mend = to_mend_with(false);
    const bool denied = sweep.denied() || to_mend_with(true);
    const bool warned = any([](const Examined &node) { return node.findings[0].weight != Weight::good; });
    const bool waiting = any([](const Examined &node) { return node.quarantine > Duration{}; });
    int code = exit_code::success;
    if (sweep.granted() < settings.quorum) code = exit_code::unreachable;
    if (denied) code = sweep.denied() ? code_when_denied(sweep) : exit_code::access;
    if (to_mend) code = exit_code::config;
    const std::string_view result = to_mend                          ? "mend"
                                    : denied                         ? "denied"
                                    : code == exit_code::unreachable ? "unreachable"
                                    : waiting                        ? "quarantined"
                                    : warned                         ? "warnings"
                                                                     : "fit";
    if (settings.format == Format::json) {
        print(json_of(nodes, result, settings.guard));
    } else if (settings.verbosity >= 0) {
        print(text_of(nodes) + advice(settings, nodes, sweep));
    }
    return code;
}

} // namespace redlock::cmd
