// One schedule: builds what the scenario says, plays it to the end and asks the checker.
#pragma once

#include "client.hh"

#include <algorithm>

namespace redlock::sim {

struct Result {
    std::optional<std::string> violation;
    int degradations = 0;
    int wins = 0, confirmed = 0; // with a round more to agree on the fence
    std::uint64_t events = 0;
};

// Nodes may have each other's data whose clocks differ by so much at the most.
inline constexpr Duration clocks_apart = milliseconds{10};

class Simulation {
  public:
    Simulation(const Options &options, ScriptEngine &engine);

    Result play();

    // Since when no fault has been at work; `never`: one lasts.
    void disturbed(Moment until) { calm_since_ = std::max(calm_since_, until); }
    [[nodiscard]] Moment calm_since() const { return calm_since_; }

    // A client has the lock.
    void won(bool confirmed) {
        ++result_.wins;
        if (confirmed) ++result_.confirmed;
    }

    // For clients, whose every step is watched by faults that wait for their moment.
    void on_send(std::size_t client, const core::Request &request);
    void on_validity(std::size_t client, Moment validity);
    void on_key_set(const Node &node);

    [[nodiscard]] Path &path(std::size_t client, core::NodeIndex node) {
        return paths_[client * scenario.nodes + node];
    }

    const Scenario scenario;
    World world;
    std::vector<std::unique_ptr<Node>> nodes;
    Checker checker;

  private:
    void arm(std::size_t fault, Moment moment);
    void strike(std::size_t fault);
    void strike_node(const Fault &fault, Moment until);
    void block(const Fault &fault, std::size_t client, core::NodeIndex node, Moment until);
    [[nodiscard]] bool may_lose_data(core::NodeIndex node, bool seen);
    void crash(const Fault &fault, Moment until);
    [[nodiscard]] bool may_be_gone_for_ever(core::NodeIndex node);
    void run();

    Result result_;
    std::vector<Path> paths_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<int> pending_; // per fault: moments still to pass; negative: armed
    std::vector<bool> for_ever_, lost_data_;
    std::vector<std::optional<Moment>> last_step_;
    Duration stepped_{}, stepped_back_{}; // all clocks together
    Moment calm_since_{};
};

// Plays one schedule.
Result play(const Options &options, ScriptEngine &engine);

} // namespace redlock::sim
