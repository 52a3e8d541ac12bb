#include "cmd/setting_readers.hh"

#include "config/duration.hh"
#include "core/round.hh"
#include "util/text.hh"

#include <algorithm>

namespace redlock::cmd {

namespace {

using config::show_duration;

Value<Duration> read_guard(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--restart-guard"));
    if (found.value == "off") return {Duration::zero(), found.origin};
    Value<Duration> guard = sources.duration(option("--restart-guard"), default_ttl);
    if (guard.value < shortest_ttl)
        refuse(guard.origin, fmt::format("within {} no lock ends; give the longest --ttl that is used on these nodes, "
                                         "or off",
                                         show_duration(guard.value)));
    return guard;
}

// No lease is longer than the guard (protocol 9.5).
void check_guard(const Value<Duration> &guard, const Value<Duration> &ttl) {
    if (guard.value == Duration::zero() || ttl.value <= guard.value) return;
    throw ConfigError(fmt::format(
        "{} is longer than {}: a node that has lost its data would vote for somebody else while "
        "this lock is held. Give --restart-guard {} (or REDLOCK_RESTART_GUARD), the same on every host that uses these "
        "nodes, and then run 'redlock init --reconfigure' with it, once; or a shorter ttl",
        with_origin("a ttl of", ttl.value, ttl.origin), with_origin("the restart guard of", guard.value, guard.origin),
        as_typed(ttl.value)));
}

// The nodes' own keys (protocol 3.2).
bool is_reserved(std::string_view key) { return key.starts_with("redlock:{"); }

void check_keys(const Cluster &cluster, const Origin &prefix, const std::vector<std::string> &names) {
    const auto reserved = [&](const std::string &name) { return is_reserved(cluster.key(name)); };
    if (std::none_of(names.begin(), names.end(), reserved)) return;
    refuse(!is_reserved(cluster.prefix) || prefix.typed(),
           fmt::format("prefix and NAME together begin with 'redlock:{{', which redlock keeps for keys of its own; "
                       "choose another {}",
                       cluster.prefix.empty() ? "NAME" : "prefix (" + prefix.in_words() + ")"));
}

std::vector<config::NodeUrl> read_nodes(const Typed &typed, const Value<std::string> &given) {
    std::vector<config::NodeUrl> nodes;
    try {
        if (!given.origin.typed()) nodes = config::parse_node_list(given.value);
        for (const Typed::Given &each : typed.all()) {
            if (each.option != &option("-S")) continue;
            const auto more = config::parse_node_list(each.value);
            nodes.insert(nodes.end(), more.begin(), more.end());
        }
        config::check_node_list(nodes);
    } catch (const ConfigError &error) {
        refuse(given.origin, error.what());
    }
    return nodes;
}

// A majority at least: any two quorums must share a node (protocol 3.1).
std::size_t read_quorum(const Sources &sources, std::size_t nodes) {
    const std::size_t majority = core::majority(nodes);
    const std::string why =
        fmt::format(": of {} a majority must agree, or two could hold the lock at once", counted(nodes, "node"));
    return sources.integer(option("--quorum"), majority, nodes, majority, why).value;
}

// The typed options that `redlock init` must be given, too.
std::string typed_again(const Typed &typed) {
    std::string text;
    for (const std::string_view each : {"-S", "--quorum", "--restart-guard", "--prefix"})
        if (typed.has(*find_option(each))) text += fmt::format("{}{}", text.empty() ? "with the same " : ", ", each);
    return text;
}

} // namespace

Cluster read_cluster(const Sources &sources, const Value<Duration> &ttl, Warnings &warnings) {
    Cluster cluster;
    const Value<Duration> guard = read_guard(sources);
    if (sources.takes(option("--ttl"))) check_guard(guard, ttl);
    cluster.guard = guard.value;
    const Value<std::string> prefix = sources.text(option("--prefix"));
    cluster.prefix = prefix.value;
    check_keys(cluster, prefix.origin, sources.line().names);

    const Value<std::string> given = sources.text(option("-S"));
    if (!given.given())
        throw ConfigError("no nodes were given; name them with -S redis://host:6379 (once for each node) or in the "
                          "environment variable REDLOCK_NODES (separated by commas); to try redlock without servers of "
                          "your own: redlock lab");
    cluster.nodes = read_nodes(sources.line().typed, given);
    const auto has_password = [](const config::NodeUrl &node) { return !node.password.empty(); };
    if (given.origin.typed() && std::any_of(cluster.nodes.begin(), cluster.nodes.end(), has_password))
        warnings.emplace_back("a password on the command line can be read by every user of this machine; put it "
                              "into REDLOCK_NODES, REDISCLI_AUTH or a --password-file");
    add_logins(cluster.nodes, given.origin, sources, warnings);
    cluster.quorum = read_quorum(sources, cluster.nodes.size());
    cluster.same_again = typed_again(sources.line().typed);
    return cluster;
}

} // namespace redlock::cmd
