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
#include "core/diagnosis.hh"
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
    bool answered = false;
    Duration closed{};               // for so long it grants no lock
    std::vector<Finding> findings{}; // at least one
};

constexpr Duration proposals_count = seconds{10}; // further ahead of a node's clock a fence is not believed

// What the node's marker says.
void examine_marker(const Settings &settings, const core::NodeState &state, const core::Diagnosis &found,
                    std::vector<Finding> &findings) {
    if (found.contradicts)
        findings.push_back(
            {Weight::mend,
             fmt::format("others use it with {}, and you with {}: {}", redis::in_words(*state.terms),
                         redis::in_words(settings.cluster.agreement()),
                         found.both_could_hold ? "both could hold a lock at once" : "it has no vote for you")});
    if (found.contradicts && found.lapses)
        findings.push_back(
            {Weight::note, fmt::format("nobody has set that up: it forgets that in {} unless they use it again",
                                       show_duration(*state.lapses))});
    if (found.hold_left > Duration{})
        findings.push_back({Weight::note, fmt::format("'redlock init --reconfigure' is at work, or was killed: no lock "
                                                      "is granted here for another {} at most",
                                                      show_duration(found.hold_left))});
    if (found.quarantine > Duration{})
        findings.push_back({Weight::note, fmt::format("it is new or has restarted, and may have forgotten a lock: no "
                                                      "vote for {} more",
                                                      show_duration(found.quarantine))});
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

// A node without an answer, or with an error.
Finding failure(const std::optional<core::Reply> &reply) {
    const bool unfit = reply && (reply->trouble == core::Trouble::unfit || reply->trouble == core::Trouble::replica);
    const bool denied = reply && reply->trouble == core::Trouble::access;
    return {unfit || denied ? Weight::mend : Weight::warning, !reply || reply->text.empty() ? "no answer" : reply->text,
            denied};
}

std::vector<Examined> examine(const Settings &settings, const core::Answers &answers, const core::Diagnoses &all) {
    std::vector<Examined> examined;
    for (core::NodeIndex node = 0; node < answers.size(); ++node) {
        Examined &result = examined.emplace_back(Examined{.node = settings.cluster.nodes[node].display()});
        const auto &reply = answers[node];
        const auto &found = all[node];
        result.answered = found.has_value();
        if (!found) {
            result.findings.push_back(failure(reply));
            continue;
        }
        result.closed = found->closed();
        if (const std::string &why = reply->state.unfit; !why.empty()) {
            const redis::Fault fault = redis::explain(why, settings.cluster.nodes[node].password);
            result.findings.push_back({Weight::mend, fault.text, fault.trouble == core::Trouble::access});
        }
        if (found->same_as)
            result.findings.push_back({Weight::mend, fmt::format("it is the same server as {}, and would vote twice; "
                                                                 "leave one of them out",
                                                                 examined[*found->same_as].node)});
        examine_marker(settings, reply->state, *found, result.findings);
        examine_clock(*reply, result.findings);
        if (result.findings.empty()) result.findings.push_back({Weight::good, "fit, and may vote"});
    }
    return examined;
}

// What the nodes said when doctor tried what a lock needs.
void examine_probe(const Settings &settings, const core::Sweep &inspected, const core::Sweep &probed,
                   std::vector<Examined> &nodes) {
    for (core::NodeIndex index = 0; index < nodes.size(); ++index) {
        Examined &node = nodes[index];
        std::vector<Shortcoming> all = shortcomings(settings.cluster.prefix, settings.cluster.nodes[index],
                                                    inspected.answers()[index], probed.answers()[index]);
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
        const std::string &user = settings.cluster.nodes[index].user;
        if (node.answered && settings.cluster.prefix.empty() && !user.empty() && user != "default")
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
                        {"quarantine_ms", to_ms(node.closed)},
                        {"findings", findings}});
    }
    const nlohmann::json all{{"result", result}, {"nodes", list}, {"restart_guard_ms", to_ms(guard)}};
    return json_line(all);
}

std::string advice_on_reach(const Settings &settings, const core::Sweep &sweep) {
    const std::size_t answered = sweep.granted();
    if (answered >= settings.cluster.quorum || sweep.denied()) return "";
    const std::string needed = fmt::format("{} {} needed for a lock, and ", counted(settings.cluster.quorum, "node"),
                                           settings.cluster.quorum == 1 ? "is" : "are");
    if (too_many_refuse(sweep.answers(), settings.cluster.quorum))
        return needed + "the others refuse to work, as told above\n";
    return needed + fmt::format("{} {}: check that these servers run and that the addresses are right\n", answered,
                                answered == 1 ? "answers" : "answer");
}

// What concerns all nodes, once.
std::string advice(const Settings &settings, const core::Diagnoses &nodes, const core::Sweep &sweep) {
    std::string text = settings.cluster.guard == Duration{} ? std::string(guard_is_off) + '\n' : "";
    text += advice_on_reach(settings, sweep);
    switch (core::settlement(nodes)) {
    case core::Settlement::none_needed: break;
    case core::Settlement::wait_for_lapse:
        text +=
            fmt::format("nobody has set that up. If it was a trial run: {} waits until it has lapsed, and then records "
                        "the settings of this host. If other hosts use these nodes so, correct -S, --quorum or "
                        "--restart-guard here\n",
                        again(settings.cluster, "redlock init"));
        break;
    case core::Settlement::correct_or_reconfigure:
        text +=
            fmt::format("if the settings of this host are wrong, correct -S, --quorum or --restart-guard here; if "
                        "they are to change on all hosts, stop all jobs and change them everywhere, then type once: "
                        "redlock init --reconfigure{}\n",
                        settings.cluster.same_again.empty() ? "" : ", " + settings.cluster.same_again);
    }
    switch (core::opening(nodes)) {
    case core::Opening::none_needed: return text;
    case core::Opening::when_init_ends:
        return text + "the nodes grant locks again when that init has ended, and at the latest after that time\n";
    case core::Opening::by_itself: return text + "a node may have forgotten a lock; the quarantine ends by itself\n";
    case core::Opening::by_init: break;
    }
    return text + set_up_hint(settings.cluster) + '\n';
}

struct Conclusion {
    int code = exit_code::success;
    std::string_view result;
};

Conclusion conclude(const Settings &settings, const std::vector<Examined> &nodes, const core::Sweep &sweep) {
    bool to_mend = false, denied = sweep.denied(), warned = false, waiting = false;
    for (const Examined &node : nodes) {
        for (const Finding &finding : node.findings) {
            if (finding.weight == Weight::mend) (finding.access ? denied : to_mend) = true;
        }
        warned = warned || node.findings[0].weight != Weight::good; // a note beside "good" is no warning
        waiting = waiting || node.closed > Duration{};
    }
    const bool reached = sweep.granted() >= settings.cluster.quorum;
    if (to_mend) return {exit_code::config, "mend"};
    if (denied) return {sweep.denied() ? code_when_denied(sweep) : exit_code::access, "denied"};
    if (!reached) return {exit_code::unreachable, "unreachable"};
    return {exit_code::success, waiting ? "quarantined" : warned ? "warnings" : "fit"};
}

} // namespace

int run_doctor(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::inspect, "");
    const core::Sweep probe = pass.ask(core::Verb::probe, probe_key());
    pass.finish();

    const core::Diagnoses inspected = core::diagnose(sweep.answers(), settings.cluster.agreement());
    std::vector<Examined> nodes = examine(settings, sweep.answers(), inspected);
    examine_probe(settings, sweep, probe, nodes);
    const Conclusion end = conclude(settings, nodes, sweep);
    if (settings.output.format == Format::json) print(json_of(nodes, end.result, settings.cluster.guard));
    else if (settings.output.verbosity >= 0) print(text_of(nodes) + advice(settings, inspected, sweep));
    return end.code;
}

} // namespace redlock::cmd
