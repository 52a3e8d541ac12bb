// What a seed stands for: how large the lock is, how its clients behave, how the network is, and which faults
// come. Drawn before the schedule begins, so that single faults can be left out without changing the rest.
#pragma once

#include "job.hh"

#include <cstdint>
#include <vector>

namespace redlock::sim {

// What the wall clocks show when a schedule begins, if they are right.
inline constexpr Duration start_of_utc = seconds{1'700'000'000};

inline constexpr Duration tick = milliseconds{1};

struct ClientPlan {
    bool by_hand = false;             // acquire, extend, release instead of exec
    bool sets_up = false;             // init instead: `cycles` runs, `habits.work` between two
    bool waits_for_quarantine = true; // of init
    Duration start{};
    std::optional<Duration> wait; // as in core::Terms
    int cycles = 1;               // how often one after the other
    Habits habits;
    std::int64_t ppm = 0;
    Duration wall_offset{}, wall_grain{1000}; // of its UTC, from the true one; how finely it counts
    // by_hand: when after the acquire, as a share of the lease; negative: not at all.
    double extend_at = -1, extend_again_at = -1, release_at = -1;
    Duration extend_ttl{};
    std::size_t nodes = 0; // it names only so many of them, and takes a majority of those for a quorum; 0: all
};

struct Fault {
    enum class Kind {
        cut_link,
        block_link, // partition of one client from one node
        block_node, // of a node from everybody
        block_client,
        pause_node,
        crash_node,
        step_clock,
        fill_node,
        flush_node,     // it loses its data and stays up
        swap_data,      // it has its neighbour's data instead, or its own of before, as after REPLICAOF and a promotion
        lose_key,       // it loses the lock key alone: what is known of fences stays
        wipe_all,       // every node loses its data, at one moment
        deny_node,      // it refuses our credentials
        pause_client,   // redlock alone
        suspend_client, // redlock and its command
        crash_client,
        signal_client,
    };
    // What it waits for; `nth` says how many of these are let pass.
    enum class Moment { time, send, validity, key_end };

    Kind kind = Kind::cut_link;
    Moment moment = Moment::time;
    int nth = 0;
    std::size_t client = 0;
    core::NodeIndex node = 0;
    core::Verb verb = core::Verb::acquire; // of the send
    Duration offset{};                     // from the moment; of a send never negative
    Duration length{};
    bool there = true, back = true; // a blocked way: which directions
    bool quiet = false;             // a cut or crash that is not told to the other side
    bool for_ever = false;
    Kept kept = Kept::all;
    Duration step{};

    [[nodiscard]] std::string describe() const;
};

struct Options {
    std::uint64_t seed = 1;
    std::size_t nodes = 0, clients = 0; // 0: drawn
    bool outside = false;               // faults outside the model, too
    bool trace = false;
    std::string story;                // a schedule with a name instead (stories.cc)
    std::vector<std::size_t> without; // faults left out, by number
};

struct Scenario {
    std::size_t nodes = 0, quorum = 0;
    Duration ttl{}, slack{}, grace{}, margin{}, node_timeout{};
    Duration guard{};          // 0: off; a node that has lost its data is no excuse when it is on
    bool contradicted = false; // somebody has another list of nodes; the nodes know ours, and do not forget it
    double drift = 0;
    Duration lateness{}; // of redlock's timers, at most
    Duration delay{}, spread{};
    double strays = 0, repeats = 0, stragglers = 0;
    bool outside = false;
    bool suffers_all = false; // faults beyond the model strike, and are no excuse
    bool clocks_agree =
        false; // all of them within seconds: the fences of before and after a loss of all data are in order
    bool fences_outlive_data = false; // the guard is on, and the nodes' clocks agree within it
    bool contest = false;             // no faults but a silent minority; all begin within one round trip
    bool set_up = false;              // the last client is an init
    bool first_survives = false;      // all nodes lose their data at one moment, and the first client's job goes on
    std::vector<std::int64_t> node_ppm;
    std::vector<Duration> node_offset;                   // of the clock, from true time
    std::vector<std::optional<Duration>> floors, fences; // of the nodes at the start, from their clock; or none
    std::vector<ClientPlan> clients;
    std::vector<Fault> faults;
    Duration faults_end{};

    explicit Scenario(const Options &options);
    // Within this time after the last fault everybody who waits has been served: the leases that nobody gives
    // back, the commands of all the others, and a second for each hand-over.
    [[nodiscard]] Duration bound() const;
    // A connection that has owed an answer for so long is replaced: compare with cmd/timing.cc.
    [[nodiscard]] Duration patience() const;
    // In a contest somebody holds the lock so long after the first began.
    [[nodiscard]] Duration contest_bound() const;
    [[nodiscard]] std::string describe() const;

  private:
    void tell(const std::string &story);
    void draw_nodes(Random &random);
    ClientPlan draw_client(Random &random) const;
    void draw_late_extend(Random &random);
    void set_nodes(std::size_t count);
    void draw_guarded(Random &random);
    void draw_forgotten_votes(Random &random);
    void draw_open_attempt(Random &random);
    void draw_copied_key(Random &random);
    Fault &add_fault(Fault::Kind kind, std::size_t client, core::NodeIndex node);
    void draw_contest(Random &random);
    void draw_silent_contest(Random &random);
    void draw_empty_restart(Random &random);
    void draw_setup(Random &random);
    void draw_delayed_setup(Random &random);
    ClientPlan &add_init(Random &random);
    void draw_crowd(Random &random);
    Fault draw_fault(Random &random) const;
};

} // namespace redlock::sim
