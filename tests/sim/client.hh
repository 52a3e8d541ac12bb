// A redlock on a machine of its own: the loop of session::Pump around the real core, with a clock, timers that
// may be late, and the misfortunes of a process. What it wants is decided in exec_client.cc, hand_client.cc and
// init_client.cc.
#pragma once

#include "core/lock.hh"
#include "link.hh"
#include "redis/connection.hh"
#include "scenario.hh"

#include <memory>
#include <vector>

namespace redlock::sim {

class Simulation;

class Client;

// One process's connections, as redis::Nodes: the real ones, on links in place of sockets.
class Wire : public LinkOwner {
  public:
    Wire(Simulation &simulation, std::size_t index, Client &client, int first_attempt);

    void send(core::Request request, Instant now);
    void handle(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    std::vector<core::Reply> take_replies();
    // In good order; `kept` is the token that stays on the nodes.
    void finish(int last_attempt, std::string kept);
    void die();
    [[nodiscard]] Link &link(core::NodeIndex node) { return ways_[node]->link; }

    void wake() override;
    void sending(const core::Request &request) override;
    void executed(Node &node, const core::Request &request, const core::Reply &reply) override;
    void drained(Node &node) override;

  private:
    // To one node.
    struct Way {
        Way(Simulation &simulation, std::size_t client, Node &node, Wire &wire);
        void forget_unsent();
        Link link;
        std::vector<core::Reply> replies{};
        redis::Connection connection;
    };

    Simulation &simulation_;
    const std::size_t index_;
    Client &client_;
    std::vector<std::unique_ptr<Way>> ways_;
    const int first_attempt_;
    int last_attempt_ = 0;
    std::string kept_;
    SetupView view_;
};

class Client {
  public:
    Client(Simulation &simulation, std::size_t index);
    virtual ~Client() = default;
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    void begin(); // plans the first turn
    void wake();

    // Misfortunes.
    void pause(Duration length, bool with_command);
    void crash();
    void signal(int number);
    void cut(core::NodeIndex node, bool quiet);
    void node_reset(core::NodeIndex node);

    [[nodiscard]] bool over() const { return over_; }
    [[nodiscard]] bool command_alive() const { return command_.alive(); }

  protected:
    // Before a turn: what the process did while it stood still.
    virtual void resume() {}
    // One turn after replies and time were fed to the core: what else is to be done. Everything that it gives the
    // core is followed by pump().
    virtual void act() = 0;
    // A deadline of its own.
    [[nodiscard]] virtual std::optional<Instant> own_deadline() const { return std::nullopt; }
    // What it relies on, for the checker.
    virtual void report() = 0;
    // The latest moment at which a stopped redlock must run again while its command lives.
    [[nodiscard]] virtual std::optional<Instant> must_run_at() const { return std::nullopt; }

    [[nodiscard]] Instant now() const { return Instant{clock_.read(world_.now())}; }
    // UTC in microseconds, as far as this machine knows.
    [[nodiscard]] core::Fence proposal() const {
        const Duration wall = start_of_utc + world_.now().time_since_epoch() + plan_.wall_offset;
        return static_cast<core::Fence>((wall - wall % plan_.wall_grain) / std::chrono::microseconds{1});
    }
    [[nodiscard]] Moment moment_of(Instant instant) const { return clock_.when(instant.time_since_epoch()); }
    [[nodiscard]] std::string next_token() { return text(index_, '.', ++attempts_); }
    // A process begins: fresh connections, and a conversation that it borrows.
    void open(core::Conversation &core);
    void pump();
    // What every lock of the scenario agrees on.
    [[nodiscard]] core::Terms common_terms();
    // As LockRun::acquire(): true when it was won. Else it waits for the nodes, or has ended, and this client with it.
    bool win(core::Lock &lock, bool give_up);
    // The process can do nothing for so long.
    void hold(Duration length);
    [[nodiscard]] bool held_up() const { return world_.now() < paused_until_; }
    // It ends in good order; `kept`: the token that it leaves on the nodes.
    void close(std::string kept = {});
    void end();

    Simulation &simulation_;
    World &world_;
    Checker &checker_;
    const Scenario &scenario_;
    const ClientPlan &plan_;
    const std::size_t index_;
    Clock clock_;
    Job command_;
    core::Conversation *core_ = nullptr;
    std::vector<int> signals_; // not yet taken

  private:
    void turn();
    void set_timer();

    std::vector<std::unique_ptr<Wire>> wires_; // the last one is in use
    bool in_turn_ = false, again_ = false;
    bool over_ = false;
    Moment paused_until_{};
    int timer_ = 0;
    std::optional<Instant> timer_for_;
    int attempts_ = 0;
};

std::unique_ptr<Client> make_exec_client(Simulation &simulation, std::size_t index);
std::unique_ptr<Client> make_hand_client(Simulation &simulation, std::size_t index);
std::unique_ptr<Client> make_init_client(Simulation &simulation, std::size_t index);

} // namespace redlock::sim
