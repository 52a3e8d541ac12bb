// The lock among nodes that are slow, deaf, forgetful and repeat themselves: random schedules from seeds.
// The nodes are modelled at the edge of what they are trusted with: each key ends as early as the drift,
// the slack and the rounding allow. So V must never be later than the Q-th largest of the true expiries.
#include "driver.hh"

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

struct Seen {
    int held = 0, lost = 0, released = 0, renewed = 0, retried = 0, confirmed = 0, set_anew = 0;
};

class World {
  public:
    World(std::uint64_t seed, Seen &seen) : random_(seed), seen_(seen), terms_(draw_terms()), lock_(terms_) {
        nodes_.resize(terms_.nodes);
        after(below(10 * terms_.ttl), [this] { give_up(); });
        for (int i = 0; i < 8; ++i) after(below(4 * terms_.ttl), [this] { disturb(); });
        acquire();
    }

    void play() {
        for (int steps = 0; steps < 20'000 && !testing::Test::HasFailure(); ++steps) {
            const auto deadline = lock_.deadline();
            if (events_.empty() && !deadline) return expect_nothing_left();
            // Ticks may come late.
            if (events_.empty() || (deadline && *deadline <= events_.begin()->first && !one_in(8))) {
                now_ = std::max(now_, *deadline);
                tick();
            } else {
                auto event = events_.extract(events_.begin());
                now_ = std::max(now_, event.key());
                event.mapped()();
            }
            if (one_in(16)) tick();
            if (one_in(8)) stray();
        }
        ADD_FAILURE() << "it does not come to an end";
    }

  private:
    struct Node {
        std::string holder;
        Instant expiry{};
        Fence fence = 0;
        Serial heard = 0;                     // of the latest request whose outcome we know
        Serial set = 0;                       // of the latest that was granted
        Instant promise = distant_past;       // until when our key lives, as far as the lock can know
        Instant sent{}, reached{}, replied{}; // the latest of each: a connection keeps the order
        Instant deaf_until{};
        bool may_keep = false; // something that removes our key was lost
    };

    bool one_in(unsigned n) { return random_() % n == 0; }
    Duration below(Duration limit) {
        return Duration{static_cast<Duration::rep>(random_() % static_cast<std::uint64_t>(limit.count() + 1))};
    }
    Duration latency() { return one_in(12) ? below(2 * terms_.node_timeout) : below(2 * ms); }
    void after(Duration delay, std::function<void()> what) { events_.emplace(now_ + delay, std::move(what)); }

    Terms draw_terms() {
        Terms terms = terms_for(1 + random_() % 5);
        terms.quorum += random_() % (terms.nodes - terms.quorum + 1);
        terms.ttl = 100 * ms + below(seconds{1});
        drift_percent_ = static_cast<int>(random_() % 6);
        terms.trust = {drift_percent_ / 100.0, one_in(3) ? Duration{} : below(terms.ttl / 6)};
        terms.node_timeout = 5 * ms + below(terms.ttl / 2);
        terms.needed = one_in(2) ? Duration{} : below(terms.ttl / 2);
        if (one_in(2)) terms.wait = one_in(4) ? Duration{} : below(3 * terms.ttl);
        terms.renew = !one_in(4);
        terms.seed = random_();
        return terms;
    }

    // Every call of the lock goes through here.
    template <typename Call> void input(Call call) {
        const Phase before = lock_.phase();
        const Ending ending = lock_.ending();
        const bool over = before == Phase::held && now_ >= lock_.validity();
        call();
        const Phase phase = lock_.phase();
        const auto requests = lock_.take_requests();
        static const std::map<Phase, std::set<Phase>> arrows = {
            {Phase::idle, {Phase::acquiring, Phase::cleaning, Phase::ended}},
            {Phase::acquiring, {Phase::held, Phase::pausing, Phase::cleaning, Phase::ended}},
            {Phase::pausing, {Phase::idle, Phase::cleaning, Phase::ended}},
            {Phase::held, {Phase::lost, Phase::releasing, Phase::ended}},
            {Phase::lost, {Phase::releasing, Phase::ended}},
            {Phase::cleaning, {Phase::ended}},
            {Phase::releasing, {Phase::ended}},
            {Phase::ended, {}}};
        if (phase != before) {
            EXPECT_TRUE(arrows.at(before).contains(phase))
                << "from " << static_cast<int>(before) << " to " << static_cast<int>(phase);
        }
        if (before == Phase::ended) {
            EXPECT_TRUE(requests.empty());
            EXPECT_EQ(lock_.ending(), ending);
            EXPECT_EQ(lock_.deadline(), std::nullopt);
        }
        EXPECT_FALSE(over && phase == Phase::held) << "V had passed";
        EXPECT_EQ(lock_.ending() == Ending::none,
                  phase != Phase::ended && phase != Phase::cleaning && phase != Phase::releasing);
        if (phase == Phase::held) {
            std::vector<Instant> promises;
            for (const Node &node : nodes_) promises.push_back(node.promise);
            std::sort(promises.begin(), promises.end());
            EXPECT_LE(lock_.validity(), promises[terms_.nodes - terms_.quorum]) << "V is too late";
        } else {
            EXPECT_EQ(lock_.validity(), distant_past);
        }
        for (const Request &request : requests) {
            const bool of_attempt = request.verb == Verb::acquire || request.verb == Verb::confirm;
            EXPECT_TRUE(request.verb == Verb::abandon  ? phase != Phase::ended || before != phase
                        : of_attempt                   ? phase == Phase::acquiring || before == Phase::acquiring
                        : request.verb == Verb::extend ? before == Phase::held
                                                       : before != phase)
                << static_cast<int>(request.verb) << " in phase " << static_cast<int>(phase);
            send(request);
        }
        if (phase != before) entered(phase);
    }

    void entered(Phase phase) {
        switch (phase) {
        case Phase::idle: ++seen_.retried; return after(below(2 * ms), [this] { acquire(); });
        case Phase::held:
            ++seen_.held;
            EXPECT_GE(std::count_if(nodes_.begin(), nodes_.end(),
                                    [&](const Node &node) { return node.fence == lock_.fence(); }),
                      static_cast<std::ptrdiff_t>(terms_.quorum))
                << "the fence is not on record";
            EXPECT_GT(lock_.fence(), last_fence_);
            last_fence_ = lock_.fence();
            seen_.confirmed += lock_.fence_was_confirmed() ? 1 : 0;
            EXPECT_FALSE(was_lost_);
            return after(below(one_in(3) ? 2 * ms : 3 * terms_.ttl), [this] { release(); });
        case Phase::lost:
            ++seen_.lost;
            was_lost_ = true;
            return after(below(2 * ms), [this] { release(); });
        case Phase::ended:
            seen_.released += lock_.ending() == Ending::released ? 1 : 0;
            EXPECT_TRUE(!was_lost_ || lock_.ending() == Ending::lost);
            return;
        default: return;
        }
    }

    void acquire() {
        if (lock_.phase() != Phase::idle) return;
        for (Node &node : nodes_) node.promise = distant_past;
        token_ = "token" + std::to_string(++attempts_);
        first_serial_ = last_serial_ + 1;
        input([&] { lock_.acquire(now_, token_, 0); });
    }
    void release() {
        if (lock_.phase() == Phase::held || lock_.phase() == Phase::lost) input([&] { lock_.release(now_); });
    }
    void give_up() {
        if (lock_.phase() != Phase::held && lock_.phase() != Phase::lost) input([&] { lock_.give_up(now_); });
    }
    void tick() {
        const Phase before = lock_.phase();
        input([&] { lock_.tick(now_); });
        EXPECT_TRUE(lock_.phase() != before || !lock_.deadline() || *lock_.deadline() > now_)
            << "a busy loop in phase " << static_cast<int>(before);
    }
    void hear(const Reply &reply) {
        // Only now can the lock know that the node does not hold its key. What was said before is history.
        Node &node = nodes_[reply.node];
        const bool says_it = reply.verb == Verb::acquire || reply.verb == Verb::confirm || reply.verb == Verb::extend;
        if (reply.serial >= std::max(first_serial_, node.heard) && says_it) {
            if (reply.answer == Answer::refused && reply.serial > node.set) node.promise = distant_past;
            if (reply.answer == Answer::refused || reply.answer == Answer::granted) node.heard = reply.serial;
        }
        input([&] { lock_.on_reply(now_, reply); });
    }

    // Somebody else takes a free key, a node forgets all, or does not listen for a while.
    void disturb() {
        Node &node = nodes_[random_() % terms_.nodes];
        switch (random_() % 3) {
        case 0:
            if (held_by(node).empty()) {
                node.holder = "rival";
                node.expiry = now_ + below(terms_.ttl);
            }
            return;
        case 1: node.holder.clear(); return;
        default: node.deaf_until = now_ + below(terms_.ttl); return;
        }
    }

    // What was heard before, once more; or what was never asked.
    void stray() {
        Reply reply;
        if (!heard_.empty() && !one_in(4)) {
            reply = heard_[random_() % heard_.size()];
        } else {
            reply.serial = random_() % first_serial_; // of an attempt before
            reply.node = random_() % terms_.nodes;
            reply.verb = static_cast<Verb>(random_() % 4);
            reply.answer = static_cast<Answer>(1 + random_() % 3);
        }
        hear(reply);
    }

    void send(const Request &request) {
        // A node that refuses because of a token that was given up is told so again.
        if (request.verb == Verb::abandon) EXPECT_TRUE(request.token.starts_with("token"));
        else EXPECT_EQ(request.token, token_);
        EXPECT_EQ(request.timeout, terms_.node_timeout);
        EXPECT_LE(request.deadline, now_ + (attempts_ == 1 ? 2 : 1) * terms_.node_timeout);
        EXPECT_GT(request.serial, last_serial_);
        last_serial_ = request.serial;
        Node &node = nodes_[request.node];
        const bool removes = request.verb == Verb::release || request.verb == Verb::abandon;
        if (one_in(20)) { // not a byte leaves
            const bool silent = one_in(2);
            node.may_keep = node.may_keep || removes;
            const Answer answer = silent ? Answer::silent : Answer::error;
            return after(silent ? terms_.node_timeout : below(ms), [=, this] { hear(denied_or(request, answer)); });
        }
        node.sent = std::max(node.sent, now_ + below(ms / 2));
        const Instant sent = node.sent;
        const bool lost = one_in(25), deaf = one_in(25);
        node.reached = std::max({node.reached, sent + latency(), node.deaf_until});
        node.may_keep = node.may_keep || (removes && lost);
        const auto silent = reply_to(request, Answer::silent, sent);
        const Instant validity = lock_.validity();
        if (lost) return after(request.deadline - now_, [=, this] { hear(silent); });
        events_.emplace(node.reached, [=, this] {
            Reply reply = execute(request, validity);
            reply.sent = sent;
            Node &there = nodes_[request.node];
            there.replied = std::max(there.replied, now_ + latency());
            if (deaf || there.replied > request.deadline) {
                const Instant at = std::max(now_, request.deadline);
                events_.emplace(at, [=, this] { hear(silent); });
                if (deaf) return;
            }
            if (one_in(30)) { // a connection that breaks in the middle of a reply
                reply = reply_to(request, Answer::error, sent);
            }
            events_.emplace(there.replied, [=, this] {
                heard_.push_back(reply);
                hear(reply);
            });
        });
    }
    Reply denied_or(const Request &request, Answer answer) {
        Reply reply = answer == Answer::error && one_in(4) ? denied(request) : reply_to(request, answer, std::nullopt);
        reply.sent.reset();
        return reply;
    }

    std::string &held_by(Node &node) {
        if (now_ >= node.expiry) node.holder.clear();
        return node.holder;
    }

    Reply execute(const Request &request, Instant validity) {
        Node &node = nodes_[request.node];
        std::string &holder = held_by(node);
        Reply reply = reply_to(request, Answer::granted, std::nullopt);
        const Duration drift = (terms_.ttl * drift_percent_ + Duration{99}) / 100;
        const Instant expiry = now_ + terms_.ttl - drift - terms_.trust.slack - 2 * ms;
        node.fence = std::max(node.fence, request.verb == Verb::acquire ? 0 : request.fence);
        reply.node_time = now_.time_since_epoch() / std::chrono::microseconds{1};
        if (request.verb == Verb::acquire && (holder.empty() || holder == request.token)) {
            if (holder.empty()) node.fence += 1 + random_() % 2;
            reply.fence = node.fence;
            holder = request.token;
            node.expiry = expiry;
        } else if (request.verb == Verb::extend && holder.empty() && *reply.node_time < request.until) {
            EXPECT_TRUE(now_ < validity || validity == distant_past) << "set anew when the lease was over";
            holder = request.token;
            node.expiry = expiry;
            reply.answer = Answer::refused;
            reply.refusal = Refusal::set_anew;
            ++seen_.set_anew;
        } else if (holder != request.token) {
            reply.answer = Answer::refused;
            reply.refusal = request.verb == Verb::acquire ? Refusal::held
                            : holder.empty()              ? Refusal::absent
                                                          : Refusal::not_ours;
            reply.holder = holder;
            if (!holder.empty()) reply.holder_ttl = node.expiry - now_;
        } else if (request.verb == Verb::extend) {
            node.expiry = std::max(node.expiry, expiry);
            ++seen_.renewed;
        } else if (request.verb == Verb::confirm) {
            reply.fence = node.fence;
        } else {
            holder.clear();
        }
        if (reply.answer == Answer::granted && request.ttl > Duration{} && request.token == token_) {
            node.promise = node.expiry;
            node.set = request.serial;
        }
        return reply;
    }

    void expect_nothing_left() {
        EXPECT_EQ(lock_.phase(), Phase::ended);
        for (const Node &node : nodes_)
            EXPECT_FALSE(node.holder.starts_with("token") && !node.may_keep) << "a key was left behind";
    }

    std::mt19937_64 random_;
    Seen &seen_;
    int drift_percent_ = 0;
    const Terms terms_;
    Lock lock_;
    Instant now_ = start;
    std::multimap<Instant, std::function<void()>> events_;
    std::vector<Node> nodes_;
    std::vector<Reply> heard_;
    std::string token_;
    int attempts_ = 0;
    Serial first_serial_ = 0, last_serial_ = 0;
    bool was_lost_ = false;
    Fence last_fence_ = 0;
};

TEST(Schedule, KeepsThePromisesInEveryOne) {
    constexpr int schedules = SANITIZED ? 4'000 : 20'000;
    Seen seen;
    for (int seed = 1; seed <= schedules; ++seed) {
        World(static_cast<std::uint64_t>(seed), seen).play();
        if (HasFailure()) {
            FAIL() << "seed " << seed;
        }
    }
    for (const int count :
         {seen.held, seen.lost, seen.released, seen.renewed, seen.retried, seen.confirmed, seen.set_anew})
        EXPECT_GT(count, schedules / 20);
}

} // namespace
} // namespace redlock::core
