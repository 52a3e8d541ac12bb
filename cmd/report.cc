#include "cmd/report.hh"

#include "cmd/json.hh"
#include "config/duration.hh"
#include "core/token.hh"
#include "redis/advice.hh"
#include "util/text.hh"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

using core::Answer;
using core::Refusal;
using Json = nlohmann::ordered_json;

std::string show_time(std::int64_t since_ms, bool utc) {
    const std::time_t time = since_ms / 1000;
    std::tm parts{};
    if ((utc ? ::gmtime_r(&time, &parts) : ::localtime_r(&time, &parts)) == nullptr) return "?";
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}{}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       utc ? 'T' : ' ', parts.tm_hour, parts.tm_min, parts.tm_sec, utc ? "Z" : "");
}

// What a node said, in the word of the JSON field "answer".
std::string_view word_of(const core::Reply &reply) {
    switch (reply.answer) {
    case Answer::granted:
        if (reply.verb == core::Verb::acquire) return "granted";
        return reply.verb == core::Verb::extend ? "extended" : "deleted";
    case Answer::refused:
        if (reply.refusal == Refusal::absent) return "absent";
        return reply.refusal == Refusal::held ? "held" : "not_ours";
    case Answer::error: return "error";
    case Answer::silent: break;
    }
    return "silent";
}

// An error, or the silence of a node.
std::string error_text(const core::Reply &reply) {
    if (!reply.text.empty() || reply.answer != Answer::error) return reply.text;
    if (reply.trouble == core::Trouble::absurd_fence)
        return fmt::format("its fence {} is far above that of the other nodes, and does not count; look at the key "
                           "redlock:{{KEY}}:fence there, and DEL it if redlock did not write it",
                           reply.fence);
    if (reply.trouble != core::Trouble::quarantined) return "";
    return fmt::format("it does not know: it is new or was restarted, and in quarantine for {} more",
                       config::show_duration(reply.quarantine.value_or(Duration{})));
}

// `known_holder`: a token that has been described above.
std::string sentence_of(const core::Reply &reply, std::string_view known_holder) {
    const bool looked = reply.verb == core::Verb::status;
    // The table explains a failure: "granted" would contradict its heading.
    if (reply.answer == Answer::granted)
        return reply.verb == core::Verb::acquire  ? "voted for us"
               : reply.verb == core::Verb::extend ? "extended the lease"
                                                  : "deleted the key";
    if (reply.answer != Answer::refused) return error_text(reply);
    if (reply.refusal == Refusal::absent) return looked ? "free" : "the key is gone";
    if (reply.refusal == Refusal::set_anew) return "the key was gone, and was set again";
    std::string text = reply.refusal == Refusal::held ? "held" : "now held";
    if (reply.holder != known_holder) text += " by " + describe_holder(reply.holder);
    if (!looked) return text;
    return text +
           (reply.holder_ttl ? fmt::format(", {} left", config::show_duration(*reply.holder_ttl)) : ", for ever");
}

Json holder_json(std::string_view token) {
    if (token.empty()) return nullptr;
    const auto holder = core::parse_token(token);
    if (!holder) return {{"value", printable(token)}};
    return {{"owner", holder->owner},       {"host", holder->host},
            {"pid", holder->pid},           {"since", show_time(holder->since_ms, true)},
            {"since_ms", holder->since_ms}, {"why", holder->why}};
}

Json fence_json(core::Fence fence) { return fence > 0 ? Json(fence) : Json(nullptr); }

Json nodes_json(const Report &report) {
    Json nodes = Json::array();
    for (const Report::Node &node : report.nodes) {
        const core::Reply reply = node.reply.value_or(core::Reply{});
        Json entry{{"node", node.name}, {"answer", word_of(reply)}, {"holder", holder_json(reply.holder)}};
        entry["ttl_ms"] = reply.holder_ttl ? Json(to_ms(*reply.holder_ttl)) : Json(nullptr);
        if (reply.answer == Answer::error || reply.answer == Answer::silent)
            entry["message"] = node.reply ? error_text(reply) : "no answer yet";
        nodes.push_back(std::move(entry));
    }
    return nodes;
}

Json status_json(const Report &report) {
    return {{"name", report.name},
            {"state", report.result},
            {"holder", holder_json(report.result == "held" ? report.holder : "")},
            {"fence", fence_json(report.fence)},
            {"remaining_ms", report.remaining ? Json(to_ms(*report.remaining)) : Json(nullptr)},
            {"agreeing", report.agreeing},
            {"quorum", report.quorum},
            {"nodes", nodes_json(report)}};
}

bool no_quorum_without(const core::Answers &answers, std::size_t quorum, auto predicate) {
    const auto left_out = std::count_if(answers.begin(), answers.end(), predicate);
    return answers.size() - static_cast<std::size_t>(left_out) < quorum;
}

} // namespace

std::string is_same_server(const Cluster &cluster, core::NodeIndex node, core::NodeIndex same) {
    return fmt::format("{} is the same server as {}, and counts once; leave one of them out",
                       cluster.nodes[node].display(), cluster.nodes[same].display());
}

std::vector<Report::Node> nodes_of(const Cluster &cluster, const core::Answers &answers) {
    std::vector<Report::Node> nodes;
    for (core::NodeIndex node = 0; node < cluster.nodes.size(); ++node)
        nodes.push_back({cluster.nodes[node].display(), node < answers.size() ? answers[node] : std::nullopt});
    return nodes;
}

Report report_on(const Cluster &cluster, const std::string &name, const core::Answers &answers) {
    Report report;
    report.name = name;
    report.quorum = cluster.quorum;
    report.nodes = nodes_of(cluster, answers);
    return report;
}

bool too_many_replicas(const core::Answers &answers, std::size_t quorum) {
    return no_quorum_without(answers, quorum, [](const auto &reply) {
        return reply && reply->answer == Answer::error && reply->trouble == core::Trouble::replica;
    });
}

bool too_many_refuse(const core::Answers &answers, std::size_t quorum) {
    return no_quorum_without(answers, quorum, [](const auto &reply) {
        if (!reply || reply->answer != Answer::error || reply->trouble == core::Trouble::quarantined ||
            reply->trouble == core::Trouble::absurd_fence)
            return false;
        return reply->trouble != core::Trouble::passing || redis::is_known_error(reply->text);
    });
}

std::string describe_holder(std::string_view token) {
    const auto holder = core::parse_token(token);
    if (!holder) return token.empty() ? "somebody unknown" : fmt::format("\"{}\"", printable(token, 64));
    return fmt::format("{}@{} (pid {}) since {}{}{}", printable(holder->owner), printable(holder->host), holder->pid,
                       show_time(holder->since_ms, false), holder->why.empty() ? "" : ": ", printable(holder->why));
}

std::string node_table(const std::vector<Report::Node> &nodes, std::string_view known_holder) {
    std::size_t width = 0;
    for (const Report::Node &node : nodes) width = std::max(width, node.name.size());
    std::string table;
    for (const Report::Node &node : nodes)
        table += fmt::format("{}  {:<{}}  {}", table.empty() ? "" : "\n", node.name, width,
                             node.reply ? sentence_of(*node.reply, known_holder) : "no answer yet");
    const auto lacks_right = [](const Report::Node &node) {
        return node.reply && node.reply->answer == Answer::error && node.reply->text.ends_with(redis::missing_right);
    };
    if (std::any_of(nodes.begin(), nodes.end(), lacks_right)) table += fmt::format("\n{}", redis::needed_rights);
    return table;
}

std::string status_text(const Report &report) {
    const std::string name = printable(report.name);
    std::string text;
    if (report.result == "held") {
        text = fmt::format("{}: held by {}\n  {}{} of {} agree{} ({} needed); {}", name, describe_holder(report.holder),
                           report.fence > 0 ? fmt::format("fence {}; ", report.fence) : "", report.agreeing,
                           counted(report.nodes.size(), "node"), report.agreeing == 1 ? "s" : "", report.quorum,
                           report.remaining ? fmt::format("it ends in {} unless it is renewed",
                                                          config::show_duration(*report.remaining))
                                            : "it has no end");
    } else if (report.result == "split") {
        text = fmt::format("{}: held by nobody: some nodes have a holder, but no {} of them the same (an attempt under "
                           "way, or what is left of one)",
                           name, report.quorum);
    } else if (report.result == "free") {
        const bool leftover = report.agreeing > 0;
        text = fmt::format("{}: free{}", name,
                           leftover ? ", though not on every node (an attempt under way, or what is left of one)" : "");
    } else {
        const auto knows = [](const Report::Node &node) { return node.reply && node.reply->answer == Answer::refused; };
        text = fmt::format("{}: unknown: {} of {} can tell who holds it, {} needed", name,
                           std::count_if(report.nodes.begin(), report.nodes.end(), knows),
                           counted(report.nodes.size(), "node"),
                           report.quorum == 1 ? "1 is" : fmt::format("{} are", report.quorum));
    }
    return fmt::format("{}\n{}\n", text, node_table(report.nodes, report.result == "held" ? report.holder : ""));
}

std::string shell_text(const Report &report) {
    std::string name;
    for (const char c : report.name) name += c == '\'' ? "'\\''" : std::string(1, c);
    return fmt::format("export REDLOCK_NAME='{}'\nexport REDLOCK_TOKEN='{}'\nexport REDLOCK_FENCE={}\n", name,
                       report.token, report.fence);
}

std::string json_text(const Report &report) {
    Json json{{"name", report.name}, {"result", report.result}};
    if (!report.token.empty()) {
        json["token"] = report.token;
        json["fence"] = fence_json(report.fence);
    }
    if (report.ttl) json["ttl_ms"] = to_ms(*report.ttl);
    if (report.validity) json["validity_ms"] = to_ms(*report.validity);
    json["holder"] = holder_json(report.holder);
    json["quorum"] = report.quorum;
    json["nodes"] = nodes_json(report);
    return json_line(json);
}

std::string status_json_text(std::span<const Report> reports, Duration guard) {
    Json locks = Json::array();
    for (const Report &report : reports) locks.push_back(status_json(report));
    return json_line(Json{{"locks", locks}, {"restart_guard_ms", to_ms(guard)}});
}

} // namespace redlock::cmd
