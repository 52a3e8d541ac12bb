// doctor: are these servers fit to hold locks, and may they vote? Findings, with what mends each. It only looks: but a
// node that is new or has restarted notes so in its marker, as with every other command.
#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/init.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "config/duration.hh"
#include "event/clock.hh"
#include "redis/fault.hh"
#include "redis/terms.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

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
};

struct Examined {
    std::string node;
    std::vector<Finding> findings{}; // at least one
    bool answered = false;
    bool contradicts = false; // others use it in another way
    bool used = false;        // by some client, since it has its data
    Duration quarantine{};    // what is left
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
    if (node.contradicts && state.lapses)
        node.findings.push_back(
            Finding{Weight::note, fmt::format("nobody has set that up: it forgets that in {} unless they use it again",
                                              show_duration(*state.lapses))});
    if (!state.joined || settings.guard == Duration{}) return;
    const Duration since = std::chrono::microseconds{*reply.node_time - *state.joined};
    if (since >= settings.guard) return;
    node.quarantine = settings.guard - since;
    node.findings.push_back(
        Finding{Weight::note, fmt::format("it is new or has restarted, and may have forgotten a lock: no vote "
                                          "for {} more",
                                          show_duration(node.quarantine))});
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
            const bool unfit = reply && reply->trouble == core::Trouble::unfit;
            found.findings.push_back(
                {unfit ? Weight::mend : Weight::warning, !reply || reply->text.empty() ? "no answer" : reply->text});
            continue;
        }
        if (const std::string &why = reply->state.unfit; !why.empty())
            found.findings.push_back({Weight::mend, redis::explain(why, settings.nodes[all.size() - 1].password).text});
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
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

// What holds for all of them, once.
std::string advice(const Settings &settings, const std::vector<Examined> &nodes, std::size_t answered) {
    const auto any = [&](auto predicate) { return std::any_of(nodes.begin(), nodes.end(), predicate); };
    std::string text;
    if (settings.guard == Duration{}) text += std::string(guard_is_off) + '\n';
    if (answered < settings.quorum)
        text += fmt::format("{} nodes are needed for a lock, and {} answer: check that these servers run and that the "
                            "addresses are right\n",
                            settings.quorum, answered);
    if (any([](const Examined &node) { return node.contradicts; }))
        text +=
            fmt::format("if the settings of this host are wrong, correct -S, --quorum or --restart-guard here; if "
                        "they are to change on all hosts, stop all jobs and change them everywhere, then type once: "
                        "redlock init --reconfigure{}\n",
                        settings.same_again.empty() ? "" : ", " + settings.same_again);
    if (!any([](const Examined &node) { return node.quarantine > Duration{}; })) return text;
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
    pass.finish();

    const std::vector<Examined> nodes = examine(settings, sweep);
    const auto any = [&](auto predicate) { return std::any_of(nodes.begin(), nodes.end(), predicate); };
    const bool to_mend = any([](const Examined &node) {
        return std::any_of(node.findings.begin(), node.findings.end(),
                           [](const Finding &finding) { return finding.weight == Weight::mend; });
    });
    const bool warned = any([](const Examined &node) { return node.findings[0].weight != Weight::good; });
    const bool waiting = any([](const Examined &node) { return node.quarantine > Duration{}; });
    int code = exit_code::success;
    if (sweep.granted() < settings.quorum) code = exit_code::unreachable;
    if (sweep.denied()) code = code_when_denied(sweep);
    if (to_mend) code = exit_code::config;
    const std::string_view result = to_mend                          ? "mend"
                                    : sweep.denied()                 ? "denied"
                                    : code == exit_code::unreachable ? "unreachable"
                                    : waiting                        ? "quarantined"
                                    : warned                         ? "warnings"
                                                                     : "fit";
    if (settings.format == Format::json) {
        print(json_of(nodes, result, settings.guard));
    } else if (settings.verbosity >= 0) {
        print(text_of(nodes) + advice(settings, nodes, sweep.granted()));
    }
    return code;
}

} // namespace redlock::cmd
