#include "cmd/settings.hh"

#include "cmd/setting_readers.hh"

namespace redlock::cmd {

Settings make_settings(const Invocation &invocation, const Environment &environment) {
    const Sources sources(invocation, environment);
    const auto is_one_of = [&](unsigned commands) { return (bit(invocation.command) & commands) != 0; };
    Settings settings{.command = invocation.command};
    // Mistakes in one word first: they are more likely than mistakes that several values have in common.
    if (is_one_of(running_a_command)) settings.job = read_job(sources);
    if (is_one_of(taking_a_lock)) settings.claim = read_claim(sources);
    settings.target = read_target(sources, settings.warnings);
    settings.output = read_output(sources);
    if (is_one_of(on_nodes)) {
        const TimingWish wish = read_timing_wish(sources);
        settings.timing = complete(wish);
        if (sources.takes(option("--ttl"))) check_timing(wish, settings.timing, settings.command);
        settings.cluster = read_cluster(sources, wish.ttl, settings.warnings);
    }
    settings.lab.nodes = sources.integer(option("--nodes"), 1, 64, settings.lab.nodes).value;
    settings.lab.tcp = invocation.typed.has(option("--tcp"));
    settings.init = {.reconfigure = invocation.typed.has(option("--reconfigure")),
                     .no_wait = invocation.typed.has(option("--no-wait"))};
    return settings;
}

} // namespace redlock::cmd
