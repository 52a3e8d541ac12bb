// sim: plays schedules, one for each seed, until a promise is broken or all are played.
#include "simulation.hh"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

namespace redlock::sim {
namespace {

constexpr const char *usage =
    R"(usage: sim [OPTION]...
  --first-seed N          begin with this seed (1)
  --schedules N           play so many (20000)
  --fault-model MODEL     inside: every promise holds; outside: faults beyond the model, too (inside)
  --nodes N, --clients N  instead of drawing them
  --jobs N                threads (one for each processor)
  --seed N                play this one
  --story NAME            play clock-jumps, restarts-empty or wakes-late (stories.cc)
  --trace                 ... and tell everything that happens
  --without N[,N]...      ... leaving out these faults
)";

struct Run {
    Options options;
    std::uint64_t first = 1, schedules = 20'000;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    bool single = false;
};

[[noreturn]] void refuse(const char *what) {
    std::fprintf(stderr, "sim: %s\n%s", what, usage);
    std::exit(64);
}

Run parse(int argc, char **argv) {
    Run run;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--trace") {
            run.options.trace = true;
            continue;
        }
        if (i + 1 == argc) refuse("every option but --trace wants a value");
        const char *const value = argv[++i];
        const std::uint64_t number = std::strtoull(value, nullptr, 10);
        if (word == "--first-seed") run.first = number;
        else if (word == "--schedules") run.schedules = number;
        else if (word == "--nodes") run.options.nodes = number;
        else if (word == "--clients") run.options.clients = number;
        else if (word == "--jobs") run.jobs = static_cast<unsigned>(number);
        else if (word == "--fault-model" && std::strcmp(value, "outside") == 0) run.options.outside = true;
        else if (word == "--fault-model" && std::strcmp(value, "inside") == 0) run.options.outside = false;
        else if (word == "--story") {
            run.single = true;
            run.options.story = value;
        } else if (word == "--seed") {
            run.single = true;
            run.options.seed = number;
        } else if (word == "--without") {
            for (const char *at = value; at != nullptr; at = std::strchr(at, ',') ? std::strchr(at, ',') + 1 : nullptr)
                run.options.without.push_back(std::strtoull(at, nullptr, 10));
        } else refuse("unknown option");
    }
    if (run.options.nodes > 8 || run.options.clients > 8) refuse("at most 8 nodes and 8 clients");
    return run;
}

int play_single(const Run &run) {
    ScriptEngine engine;
    const Result result = play(run.options, engine);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(run.options.seed),
                result.violation ? result.violation->c_str() : "no violation");
    return result.violation ? 1 : 0;
}

// The fewest faults that it takes: each is left out, and stays out if the violation is still there.
void shrink(Options options, ScriptEngine &engine) {
    const std::size_t faults = Scenario(options).faults.size();
    for (std::size_t fault = 0; fault < faults; ++fault) {
        options.without.push_back(fault);
        if (!play(options, engine).violation) options.without.pop_back();
    }
    options.trace = true;
    play(options, engine);
    std::printf("again: sim --seed %llu --trace", static_cast<unsigned long long>(options.seed));
    if (options.outside) std::printf(" --fault-model outside");
    if (options.nodes != 0) std::printf(" --nodes %zu", options.nodes);
    if (options.clients != 0) std::printf(" --clients %zu", options.clients);
    for (std::size_t i = 0; i < options.without.size(); ++i)
        std::printf("%s%zu", i == 0 ? " --without " : ",", options.without[i]);
    std::printf("\n");
}

int play_all(const Run &run) {
    std::atomic<std::uint64_t> next{0}, degraded{0}, played{0}, events{0}, wins{0}, confirmed{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::optional<std::uint64_t> failed; // the lowest of those found
    const auto begin = std::chrono::steady_clock::now();
    const auto worker = [&] {
        ScriptEngine engine;
        for (std::uint64_t i = next++; i < run.schedules && !stop; i = next++) {
            Options options = run.options;
            options.seed = run.first + i;
            const Result result = play(options, engine);
            ++played;
            events += result.events;
            wins += static_cast<std::uint64_t>(result.wins);
            confirmed += static_cast<std::uint64_t>(result.confirmed);
            if (result.degradations > 0) ++degraded;
            if (!result.violation) continue;
            const std::lock_guard guard(mutex);
            if (!failed || options.seed < *failed) failed = options.seed;
            stop = true;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < run.jobs; ++i) threads.emplace_back(worker);
    for (std::thread &thread : threads) thread.join();
    const auto processor = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (failed) {
        ScriptEngine engine;
        Options options = run.options;
        options.seed = *failed;
        shrink(options, engine);
    }
    std::printf("%llu schedules from seed %llu in %.1f s: %.0f a second on %u threads, %.0f for each second of "
                "processor time; %.0f events each; %llu degraded\n",
                static_cast<unsigned long long>(played), static_cast<unsigned long long>(run.first), took.count(),
                static_cast<double>(played) / took.count(), run.jobs, static_cast<double>(played) / processor,
                static_cast<double>(events) / static_cast<double>(played), static_cast<unsigned long long>(degraded));
    std::printf("%llu times won, %.1f %% of them with a round more to agree on the fence\n",
                static_cast<unsigned long long>(wins),
                100 * static_cast<double>(confirmed) / static_cast<double>(std::max<std::uint64_t>(wins, 1)));
    if (failed) std::printf("VIOLATION with seed %llu\n", static_cast<unsigned long long>(*failed));
    return failed ? 1 : 0;
}

} // namespace
} // namespace redlock::sim

int main(int argc, char **argv) {
    using namespace redlock::sim;
    const Run run = parse(argc, argv);
    return run.single ? play_single(run) : play_all(run);
}
