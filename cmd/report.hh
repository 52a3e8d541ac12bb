// What a command has found out about one lock, as plain values, and how it is shown: to people, to a shell or
// as JSON (fields: redlock(1), JSON). Text from nodes and other clients is made safe here.
#pragma once

#include "cmd/settings.hh"
#include "core/message.hh"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redlock::cmd {

struct Report {
    std::string name;        // of the lock, as typed
    std::string_view result; // what came of it, in one word; of status: the state
    std::size_t quorum = 0;

    std::string token;                // ours, when it was acquired; else empty
    core::Fence fence = 0;            // of this grant; of status: of the holder's; 0: none is known
    std::optional<Duration> ttl;      // what was asked for
    std::optional<Duration> validity; // how long it is safe

    std::string holder;                // somebody else's token; may be any bytes; empty: none is known
    std::size_t agreeing = 0;          // status: nodes that name `holder`
    std::optional<Duration> remaining; // status: what a quorum still grants `holder`; nullopt: no end
    struct Node {
        std::string name;                 // safe to print
        std::optional<core::Reply> reply; // nullopt: nothing was heard
    };
    std::vector<Node> nodes;
};

// "NODE is the same server as NODE, and counts once; leave one of them out".
std::string is_same_server(const Cluster &cluster, core::NodeIndex node, core::NodeIndex same);

// What every report has. `answers`: one a node, in the order of the nodes.
Report report_on(const Cluster &cluster, const std::string &name, const core::Answers &answers);
std::vector<Report::Node> nodes_of(const Cluster &cluster, const core::Answers &answers);

// So many of the servers are replicas that the others are no quorum.
bool too_many_replicas(const core::Answers &answers, std::size_t quorum);

// So many nodes answered with an error of their own that the others are no quorum: they can be reached, and refuse.
bool too_many_refuse(const core::Answers &answers, std::size_t quorum);

// "alice@web1 (pid 4711) since 2026-01-02 03:04:05: backup"; other libraries' tokens in quotes. One line.
std::string describe_holder(std::string_view token);
// One line a node, indented, without a final newline. `known_holder`: a token that need not be described again.
std::string node_table(const std::vector<Report::Node> &nodes, std::string_view known_holder = "-");

// For people: some lines about the state of a lock (status).
std::string status_text(const Report &report);
// Lines for eval in a shell: REDLOCK_NAME, REDLOCK_TOKEN and REDLOCK_FENCE.
std::string shell_text(const Report &report);
// One object, as one line.
std::string json_text(const Report &report);
// {"locks": [...], "restart_guard_ms": G}; `guard` 0: off.
std::string status_json_text(std::span<const Report> reports, Duration guard);

// For status and doctor, where it is.
inline constexpr std::string_view guard_is_off =
    "the restart guard is off: a node that has lost its locks votes at once";

} // namespace redlock::cmd
