// One reader for each group of settings. Only make_settings() calls them. They throw UsageError and ConfigError as
// cmd/settings.hh says, and may add to `warnings`.
#pragma once

#include "cmd/settings.hh"
#include "cmd/sources.hh"

#include <string>
#include <string_view>
#include <vector>

namespace redlock::cmd {

using Warnings = std::vector<std::string>;

JobSettings read_job(const Sources &sources);                   // exec, lab
Claim read_claim(const Sources &sources);                       // exec, acquire
Target read_target(const Sources &sources, Warnings &warnings); // with the token for extend and release
Output read_output(const Sources &sources);

// The lengths of time as given. Each is possible, but they need not fit into each other.
TimingWish read_timing_wish(const Sources &sources);
// For commands that take --ttl: refuses times that do not fit (protocol 13.7). `timing`: complete(wish).
void check_timing(const TimingWish &wish, const Timing &timing, Command command);
// `ttl`: as read_timing_wish() found it.
Cluster read_cluster(const Sources &sources, const Value<Duration> &ttl, Warnings &warnings);

// The secret in a file, as config/secret_file.hh reads it. Messages name the origin of the file's name.
Value<std::string> read_secret(const Value<std::string> &file, Warnings &warnings);
// Gives a login to the nodes whose addresses have none, and tells each where its login comes from. `addresses`: the
// origin of the nodes.
void add_logins(std::vector<config::NodeUrl> &nodes, const Origin &addresses, const Sources &sources,
                Warnings &warnings);

// "slack 5 s (--slack)". Nothing in brackets for a default.
std::string with_origin(std::string_view what, Duration length, const Origin &origin);
// A length of time as --ttl takes it.
std::string as_typed(Duration length);

} // namespace redlock::cmd
