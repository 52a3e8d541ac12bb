// One node: a data set, a clock, the scripts, and the ways in which a server can be unwell. What arrives
// while it is paused waits in its kernel's buffers.
#pragma once

#include "clock.hh"
#include "core/message.hh"
#include "script_engine.hh"

#include <deque>

namespace redlock::sim {

class Link;

[[nodiscard]] inline bool is_set_anew(const core::Reply &reply) {
    return reply.answer == core::Answer::refused && reply.refusal == core::Refusal::set_anew;
}

// The one lock of every schedule.
inline constexpr const char *scenario_key = "job";

// How much of its data a node has when it comes back.
enum class Kept { all, all_but_the_last_write, nothing };

// A request on its way.
struct Packet {
    Moment arrives{};
    std::uint32_t socket = 0;      // the connection that it was written to
    std::uint32_t incarnation = 0; // of the node, when it was written
    bool repeated = false;         // something on the way sends it twice
    core::Request request{};       // what the process meant
    std::string bytes{};           // and what it has written
};

class Node {
  public:
    Node(World &world, ScriptEngine &engine, core::NodeIndex index, Clock clock)
        : index_(index), world_(world), engine_(engine), clock_(clock) {}

    // Before the schedule: the marker's floor and the fence of the lock, if there are any.
    // `terms`: what its users have agreed upon before; empty: nothing.
    void prepare(std::optional<core::NodeTime> floor, core::Fence fence, std::string_view terms);

    // The highest fence that it knows, 0: none; what it was before the latest request, and who held the lock then.
    [[nodiscard]] core::Fence fence() const;
    [[nodiscard]] core::Fence fence_before() const { return fence_before_; }
    [[nodiscard]] const std::string &holder_before() const { return holder_before_; }
    [[nodiscard]] core::NodeTime time() const { return now_us(); }
    // Its marker says that a lock was granted or prolonged here.
    [[nodiscard]] bool used() const;

    // Executes these commands now, and returns the replies as bytes.
    std::string execute(std::string_view commands);

    // The next three see the data of a node that is down, too: it may come back with them, and nobody else gets its
    // vote meanwhile.
    //
    // True time at which the key ends if it holds `token` now and nobody touches the node any more; nullopt: it
    // does not; `never`: the key has no end.
    [[nodiscard]] std::optional<Moment> holds(std::string_view key, std::string_view token) const;
    // The end of the key that is there, whoever's it is.
    [[nodiscard]] std::optional<Moment> end_of(std::string_view key) const;
    [[nodiscard]] std::string_view owner(std::string_view key) const; // empty: nobody

    void deliver(Link &link, const Packet &packet);
    [[nodiscard]] bool has_waiting(const Link &link) const;
    void forget_waiting(const Link &link);

    void pause() { ++pauses_; }
    void resume();
    // `quiet`: the machine is gone, too, and nobody says that the connections are.
    void crash(bool quiet);
    void restart(Kept kept, Duration loading);
    // From now on it can lose its last write.
    void remember() { remembers_ = true; }
    void step(Duration by) { clock_.step(by); }
    void flush() { store_.clear(); }
    void take_data(const Node &other);
    void lose_key(std::string_view key) { store_.remove(key); }
    void refuse_access(bool refuse) { denies_ = refuse; }
    void be_full(bool full) { store_.full = full; }

    [[nodiscard]] core::NodeIndex index() const { return index_; }
    [[nodiscard]] bool up() const { return up_; }
    [[nodiscard]] bool quiet() const { return !up_ && quiet_; }
    [[nodiscard]] std::uint32_t incarnation() const { return incarnation_; }

  private:
    [[nodiscard]] std::int64_t now_us() const { return clock_.read(world_.now()) / std::chrono::microseconds{1}; }
    Value execute_one(std::span<const std::string_view> words);
    void started();

    const core::NodeIndex index_;
    World &world_;
    ScriptEngine &engine_;
    Clock clock_;
    Store store_;
    Store before_last_write_;
    core::Fence fence_before_ = 0;
    std::string holder_before_;
    bool remembers_ = false;
    bool denies_ = false;
    bool up_ = true;
    bool quiet_ = false;
    int pauses_ = 0;
    std::uint32_t incarnation_ = 1;
    Moment loading_until_{};
    std::deque<std::pair<Link *, Packet>> waiting_;
};

} // namespace redlock::sim
