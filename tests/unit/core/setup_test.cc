// redlock init, against nodes that are modelled by what their scripts answer.
#include "core/setup.hh"

#include <functional>
#include <gtest/gtest.h>

namespace redlock::core {
namespace {

using Init = Setup; // GoogleTest has another in every test

constexpr Duration guard = seconds{30};
const Instant start = Instant{} + seconds{1000};

struct Node {
    std::string run_id;
    std::optional<Instant> joined{}; // nullopt: trusted
    std::string record{};
    std::optional<Instant> lapses{};
    std::string used{}, lock{}, hold{}, holder{};
    bool silent = false;
    std::optional<Instant> hold_ends{};
    std::string unfit{};
};

std::optional<Agreement> terms_of(const std::string &record) {
    Agreement terms;
    long long ms = 0;
    if (std::sscanf(record.c_str(), "%zu %zu %lld", &terms.nodes, &terms.quorum, &ms) != 3) return std::nullopt;
    terms.guard = milliseconds{ms};
    return terms;
}

class Fleet {
  public:
    explicit Fleet(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) nodes.push_back({.run_id = std::string(1, static_cast<char>('z' - i))});
    }

    Init::Plan plan(const std::string &record) const {
        Init::Plan plan{.nodes = nodes.size(), .agreement = *terms_of(record), .record = record, .id = "me"};
        plan.node_timeout = seconds{1};
        return plan;
    }

    Reply answer(const Request &request) {
        Node &node = nodes[request.node];
        Reply reply;
        reply.serial = request.serial;
        reply.verb = request.verb;
        reply.node = request.node;
        asked.push_back({request.verb, request.node});
        if (before_answer) before_answer(request);
        if (node.silent) return reply;
        reply.answer = Answer::granted;
        const MarkerChange &change = request.change;
        const auto refuse = [&](Refusal refusal) {
            reply.answer = Answer::refused;
            reply.refusal = refusal;
            return reply;
        };
        const auto time = [](Instant at) {
            return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
        };
        if (node.lapses && *node.lapses <= now) node.record.clear(), node.lapses.reset();
        switch (request.verb) {
        case Verb::inspect:
            reply.run_id = node.run_id;
            reply.node_time = time(now);
            reply.state.unfit = node.unfit;
            if (node.unfit.empty()) reply.state.joined = node.joined ? time(*node.joined) : 0;
            reply.state.record = node.record;
            reply.state.terms = terms_of(node.record);
            if (node.lapses) reply.state.lapses = *node.lapses - now;
            reply.state.used = !node.used.empty();
            reply.state.prefix_used = node.used;
            reply.state.lock = node.lock;
            reply.state.hold = node.hold;
            if (node.hold_ends && *node.hold_ends > now) reply.state.hold_left = *node.hold_ends - now;
            return reply;
        case Verb::trust:
            if (change.run_id != node.run_id || change.joined != (node.joined ? time(*node.joined) : 0))
                return refuse(Refusal::changed);
            if (!node.used.empty()) return refuse(Refusal::used);
            node.joined.reset();
            return reply;
        case Verb::record:
            if (change.run_id != node.run_id) return refuse(Refusal::changed);
            if (!change.hold.empty() && (change.hold != node.hold || change.used != node.used))
                return refuse(Refusal::changed);
            if (node.record != change.expected && node.record != change.record) {
                reply.state.record = node.record;
                reply.state.terms = terms_of(node.record);
                return refuse(Refusal::differs);
            }
            node.record = change.record;
            node.lapses = change.provisional ? std::optional(now + guard) : std::nullopt;
            if (!change.hold.empty()) node.hold.clear();
            return reply;
        case Verb::hold:
            if (!node.hold.empty() && node.hold != change.hold) return refuse(Refusal::on_hold);
            node.hold = change.length > Duration{} ? change.hold : "";
            reply.state.prefix_used = node.used;
            reply.state.lock = node.lock;
            return reply;
        case Verb::status:
            if (node.holder.empty() || request.key != node.lock) return refuse(Refusal::absent);
            reply.holder = node.holder;
            return refuse(Refusal::held);
        default: return reply;
        }
    }

    void drain(Init &setup) {
        for (auto requests = setup.take_requests(); !requests.empty(); requests = setup.take_requests())
            for (const Request &request : requests) {
                const Reply reply = answer(request);
                if (!nodes[request.node].silent) setup.on_reply(now, reply);
            }
    }

    // Until it ends, or `limit` has passed. What each moment brings is up to `at_each`.
    SetupEnding run(Init &setup, Duration limit = std::chrono::hours{1}) {
        const Instant end = now + limit;
        while (!setup.ended() && now < end) {
            drain(setup);
            if (setup.ended()) break;
            if (at_each) at_each(setup);
            drain(setup);
            if (setup.ended()) break;
            if (const auto next = setup.deadline()) now = std::max(now, *next);
            setup.tick(now);
        }
        return setup.ending();
    }
    SetupEnding run(Init::Plan plan) {
        Init setup(now, std::move(plan));
        return run(setup);
    }
    std::size_t count(Verb verb) const {
        return static_cast<std::size_t>(
            std::count_if(asked.begin(), asked.end(), [&](const auto &each) { return each.first == verb; }));
    }

    Instant now = start;
    std::vector<Node> nodes;
    std::vector<std::pair<Verb, NodeIndex>> asked;
    std::function<void(const Request &)> before_answer;
    std::function<void(Init &)> at_each;
};

TEST(Setup, NewNodesAtOnceAndTheSecondTimeAlready) {
    Fleet fleet(3);
    for (Node &node : fleet.nodes) node.joined = start;
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::done);
    EXPECT_EQ(fleet.now, start);
    for (const Node &node : fleet.nodes) {
        EXPECT_EQ(node.record, "3 2 30000");
        EXPECT_FALSE(node.joined);
    }
    fleet.asked.clear();
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::already);
    EXPECT_EQ(fleet.asked.size(), 3U); // one look
}

TEST(Setup, OneUsedNodeMeansThatAllAreWaitedFor) {
    Fleet fleet(3);
    fleet.nodes[0].used = "1";
    fleet.nodes[1].joined = fleet.nodes[2].joined = start - seconds{10};
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::done);
    EXPECT_EQ(fleet.now, start + seconds{20});
    EXPECT_EQ(fleet.count(Verb::trust), 0U);
}

TEST(Setup, WithoutWaitingItSaysHowLong) {
    Fleet fleet(3);
    fleet.nodes[0].used = "1";
    fleet.nodes[1].joined = start - seconds{10};
    Init::Plan plan = fleet.plan("3 2 30000");
    plan.wait = false;
    Init setup(start, plan);
    EXPECT_EQ(fleet.run(setup), SetupEnding::later);
    EXPECT_EQ(setup.left(start), seconds{20});
    EXPECT_EQ(fleet.now, start);
}

TEST(Setup, UsedBetweenTheLookAndTheTrust) {
    Fleet fleet(2);
    for (Node &node : fleet.nodes) node.joined = start;
    fleet.before_answer = [&](const Request &request) {
        if (request.verb == Verb::trust && request.node == 1) fleet.nodes[1].used = "1";
    };
    EXPECT_EQ(fleet.run(fleet.plan("2 2 30000")), SetupEnding::done);
    EXPECT_EQ(fleet.now, start + guard);
}

TEST(Setup, ADelayedTrustDoesNotHitALaterRestart) {
    Fleet fleet(2);
    for (Node &node : fleet.nodes) node.joined = start;
    fleet.before_answer = [&](const Request &request) {
        if (request.verb != Verb::trust || request.node != 1 || fleet.nodes[1].run_id == "later") return;
        fleet.nodes[1].run_id = "later";
        fleet.nodes[0].used = "1";
    };
    EXPECT_EQ(fleet.run(fleet.plan("2 2 30000")), SetupEnding::done);
    EXPECT_EQ(fleet.now, start + guard);
}

TEST(Setup, OneSilentOrUnfitNodeAndNothingIsChanged) {
    for (const bool silent : {true, false}) {
        Fleet fleet(3);
        for (Node &node : fleet.nodes) node.joined = start;
        fleet.nodes[2].silent = silent;
        fleet.nodes[2].unfit = silent ? "" : "UNFIT replica";
        EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::unanswered);
        for (const Node &node : fleet.nodes) {
            EXPECT_EQ(node.record, "");
            EXPECT_TRUE(node.joined);
        }
    }
}

// The nodes' notes of a use go with their data, and the job that holds the lock goes on.
TEST(Setup, AUseSeenOnceIsRememberedWhenAllNodesLoseTheirData) {
    Fleet fleet(3);
    for (Node &node : fleet.nodes) node.used = "1";
    fleet.nodes[2].joined = start;
    bool empty = false;
    fleet.at_each = [&](Init &) {
        if (empty || fleet.now < start + seconds{1}) return;
        empty = true;
        for (Node &node : fleet.nodes) node = {.run_id = node.run_id + "'", .joined = fleet.now};
    };
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::done);
    EXPECT_GE(fleet.now, start + seconds{1} + guard);
    EXPECT_EQ(fleet.count(Verb::trust), 0U);
}

// Also where another node does not answer yet, and in whichever field the trace is.
TEST(Setup, ATraceOnANodeBesideASilentOneIsRemembered) {
    for (const bool by_lock : {false, true}) {
        Fleet fleet(3);
        for (Node &node : fleet.nodes) node.joined = start;
        fleet.nodes[1].record = "1 1 30000"; // waited for
        fleet.nodes[1].lapses = start + seconds{2};
        fleet.at_each = [&](Init &) {
            fleet.nodes[0].silent = fleet.now > start && fleet.now < start + seconds{1};
            (by_lock ? fleet.nodes[2].lock : fleet.nodes[2].used) = fleet.nodes[0].silent ? "1" : "";
        };
        EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::done);
        EXPECT_EQ(fleet.count(Verb::trust), 0U);
        EXPECT_GE(fleet.now, start + guard);
    }
}

TEST(Setup, ARestartThatIsSeenCountsAsAUse) {
    Fleet fleet(2);
    for (Node &node : fleet.nodes) node.joined = start;
    fleet.before_answer = [&](const Request &request) {
        if (request.verb != Verb::trust || fleet.nodes[1].run_id == "later") return;
        fleet.nodes[0].joined.reset(); // it votes, and restarts
        fleet.nodes[1].run_id = "later";
    };
    EXPECT_EQ(fleet.run(fleet.plan("2 2 30000")), SetupEnding::done);
    EXPECT_GE(fleet.now, start + guard);
}

TEST(Setup, SilentWhileItIsRecordedIsTakenBack) {
    Fleet fleet(3);
    fleet.before_answer = [&](const Request &request) {
        fleet.nodes[0].silent = request.verb == Verb::record; // the last in order
    };
    Init setup(start, fleet.plan("3 2 30000"));
    EXPECT_EQ(fleet.run(setup), SetupEnding::unanswered);
    EXPECT_EQ(setup.left_behind(), std::vector<NodeIndex>{0});
    for (const Node &node : fleet.nodes) EXPECT_EQ(node.record, "");
}

// The node recorded it, and its answer was lost.
TEST(Setup, RecordedWithoutAnAnswerIsTakenBack) {
    Fleet fleet(3);
    fleet.before_answer = [&](const Request &request) {
        fleet.nodes[0].silent = request.verb == Verb::record && request.change.expected.empty();
        if (fleet.nodes[0].silent && request.node == 0) fleet.nodes[0].record = request.change.record;
    };
    Init setup(start, fleet.plan("3 2 30000"));
    EXPECT_EQ(fleet.run(setup), SetupEnding::unanswered);
    EXPECT_TRUE(setup.left_behind().empty());
    for (const Node &node : fleet.nodes) EXPECT_EQ(node.record, "");
}

TEST(Setup, OneServerListedTwice) {
    Fleet fleet(3);
    fleet.nodes[2].run_id = fleet.nodes[0].run_id;
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::twice);
    EXPECT_EQ(fleet.count(Verb::record), 0U);
}

TEST(Setup, DifferentSettingsAreNotTouched) {
    Fleet fleet(3);
    fleet.nodes[1].record = "5 3 30000";
    Init setup(start, fleet.plan("3 2 30000"));
    EXPECT_EQ(fleet.run(setup), SetupEnding::differs);
    EXPECT_EQ(setup.answers()[1]->state.terms->nodes, 5U);
    EXPECT_EQ(fleet.count(Verb::record), 0U);
}

TEST(Setup, WhoLosesTheRaceTakesBackWhatItWrote) {
    Fleet fleet(3);
    fleet.nodes[2].record = "3 2 30000"; // provisional, of ours
    fleet.nodes[2].lapses = start + seconds{5};
    fleet.before_answer = [&](const Request &request) {
        if (request.verb == Verb::record && request.node == 0) fleet.nodes[0].record = "5 3 30000";
    };
    Init setup(start, fleet.plan("3 2 30000"));
    EXPECT_EQ(fleet.run(setup), SetupEnding::differs);
    EXPECT_EQ(setup.answers()[0]->state.terms->nodes, 5U);
    EXPECT_EQ(fleet.nodes[0].record, "5 3 30000");
    EXPECT_EQ(fleet.nodes[1].record, "");
    EXPECT_EQ(fleet.nodes[2].record, "3 2 30000");
    EXPECT_TRUE(fleet.nodes[2].lapses);
}

// Two clients, each request of the one before or behind each of the other: one record on all nodes, and one winner.
TEST(Setup, TwoAtTheSameInstantDoNotSplitTheRecord) {
    for (unsigned order = 0; order < 1U << 12; ++order) {
        Fleet fleet(3);
        Init one(start, fleet.plan("3 2 30000")), other(start, fleet.plan("3 3 30000"));
        for (unsigned step = 0; !one.ended() || !other.ended(); ++step) {
            Init &next = one.ended() || (!other.ended() && (order >> (step % 12) & 1U) != 0) ? other : one;
            // The other one names the nodes the other way round.
            const auto mapped = [&](NodeIndex node) { return &next == &other ? 2 - node : node; };
            for (Request request : next.take_requests()) {
                request.node = mapped(request.node);
                Reply reply = fleet.answer(request);
                reply.node = mapped(reply.node);
                next.on_reply(start, reply);
            }
        }
        const bool won = one.ending() == SetupEnding::already || one.ending() == SetupEnding::done;
        EXPECT_EQ(won ? other.ending() : one.ending(), SetupEnding::differs) << order;
        for (const Node &node : fleet.nodes) ASSERT_EQ(node.record, won ? "3 2 30000" : "3 3 30000") << order;
    }
}

TEST(Setup, AProvisionalRecordIsWaitedFor) {
    Fleet fleet(3);
    fleet.nodes[0].record = "1 1 30000";
    fleet.nodes[0].lapses = start + seconds{7};
    fleet.nodes[0].used = "1";
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::done);
    EXPECT_EQ(fleet.now, start + seconds{7});
    for (const Node &node : fleet.nodes) EXPECT_EQ(node.record, "3 2 30000");
}

TEST(Setup, AProvisionalRecordInUseDiffers) {
    Fleet fleet(3);
    fleet.nodes[0].record = "1 1 30000";
    fleet.at_each = [&](Init &) { fleet.nodes[0].lapses = fleet.now + seconds{31}; };
    fleet.nodes[0].lapses = start + seconds{31};
    EXPECT_EQ(fleet.run(fleet.plan("3 2 30000")), SetupEnding::differs);
    EXPECT_LT(fleet.now, start + seconds{40});
}

TEST(Setup, OurOwnProvisionalRecordBecomesOneForGood) {
    Fleet fleet(1);
    fleet.nodes[0].record = "1 1 30000";
    fleet.nodes[0].lapses = start + seconds{7};
    EXPECT_EQ(fleet.run(fleet.plan("1 1 30000")), SetupEnding::done);
    EXPECT_FALSE(fleet.nodes[0].lapses);
}

class Reconfigure : public testing::Test {
  protected:
    Reconfigure() : fleet(3) {
        for (Node &node : fleet.nodes) {
            node.record = "3 2 30000";
            node.used = "1";
            node.lock = "job";
        }
        plan = fleet.plan("3 3 30000");
        plan.reconfigure = true;
        plan.drift = 0.01;
    }
    bool as_before() {
        return std::all_of(fleet.nodes.begin(), fleet.nodes.end(), [](const Node &node) {
            return node.record == "3 2 30000" && node.hold.empty() && !node.lapses;
        });
    }
    Fleet fleet;
    Init::Plan plan;
};

TEST_F(Reconfigure, NothingHeld) {
    bool on_hold = true;
    fleet.at_each = [&](Init &setup) {
        if (!setup.ended() && setup.reconfiguring())
            for (const Node &node : fleet.nodes) on_hold = on_hold && node.hold == "me" && node.record == "3 2 30000";
    };
    EXPECT_EQ(fleet.run(plan), SetupEnding::done);
    EXPECT_TRUE(on_hold);
    EXPECT_GE(fleet.now, start + seconds{31});
    EXPECT_LT(fleet.now, start + seconds{32});
    for (const Node &node : fleet.nodes) {
        EXPECT_EQ(node.record, "3 3 30000");
        EXPECT_EQ(node.hold, "");
    }
}

TEST_F(Reconfigure, ALockIsHeld) {
    fleet.nodes[1].holder = "alice";
    Init setup(start, plan);
    EXPECT_EQ(fleet.run(setup), SetupEnding::held);
    EXPECT_EQ(setup.lock(), "job");
    EXPECT_EQ(setup.holder(), "alice");
    EXPECT_EQ(fleet.now, start);
    EXPECT_TRUE(as_before());
}

TEST_F(Reconfigure, ALockIsRenewedMeanwhile) {
    fleet.at_each = [&](Init &) {
        if (fleet.now < start + seconds{20}) return;
        fleet.nodes[2].used = "2";
        fleet.nodes[2].lock = "other";
    };
    Init setup(start, plan);
    EXPECT_EQ(fleet.run(setup), SetupEnding::held);
    EXPECT_EQ(setup.lock(), "other");
    EXPECT_LT(fleet.now, start + seconds{21});
    EXPECT_TRUE(as_before());
}

TEST_F(Reconfigure, RenewedBeforeTheLastWord) {
    fleet.before_answer = [&](const Request &request) {
        if (request.verb == Verb::record && request.node == 0 && request.change.record == "3 3 30000")
            fleet.nodes[0].used = "2";
    };
    Init setup(start, plan);
    fleet.run(setup, seconds{33});
    EXPECT_NE(setup.ending(), SetupEnding::done);
    EXPECT_EQ(fleet.nodes[1].record, "3 2 30000");
}

TEST_F(Reconfigure, GiveUpAtAnyMoment) {
    for (int moment = 0; moment < 80; ++moment) {
        int seen = 0;
        const Fleet before = fleet;
        Init setup(start, plan);
        fleet.at_each = [&](Init &running) {
            if (seen++ == moment) running.give_up(fleet.now);
        };
        const SetupEnding ending = fleet.run(setup);
        EXPECT_TRUE(ending == SetupEnding::interrupted ? as_before() : ending == SetupEnding::done) << moment;
        fleet = before;
    }
}

TEST_F(Reconfigure, SomebodyElseIsAtIt) {
    fleet.nodes[0].hold = "other";
    EXPECT_EQ(fleet.run(plan), SetupEnding::on_hold);
    EXPECT_EQ(fleet.nodes[0].hold, "other");
    for (const NodeIndex node : {1U, 2U}) EXPECT_EQ(fleet.nodes[node].hold, "");
}

TEST_F(Reconfigure, AnotherOnesHoldIsWaitedFor) {
    fleet.nodes[0].hold = "other";
    fleet.nodes[0].hold_ends = start + seconds{40};
    plan = fleet.plan("3 2 30000");
    plan.wait = false;
    EXPECT_EQ(fleet.run(plan), SetupEnding::later);
    plan.wait = true;
    EXPECT_EQ(fleet.run(plan), SetupEnding::done);
    EXPECT_EQ(fleet.now, start + seconds{40});
}

TEST_F(Reconfigure, WithoutWaitingItNamesTheHolderAndHoldsNothing) {
    plan.wait = false;
    EXPECT_EQ(fleet.run(plan), SetupEnding::later);
    fleet.nodes[1].holder = "alice";
    Init setup(start, plan);
    EXPECT_EQ(fleet.run(setup), SetupEnding::held);
    EXPECT_EQ(setup.holder(), "alice");
    EXPECT_EQ(fleet.count(Verb::hold), 0U);
    EXPECT_TRUE(as_before());
}

TEST_F(Reconfigure, ALongerGuardNeedsNoHold) {
    fleet.nodes[1].holder = "alice";
    plan = fleet.plan("3 2 60000");
    plan.reconfigure = true;
    EXPECT_EQ(fleet.run(plan), SetupEnding::done);
    EXPECT_EQ(fleet.now, start);
    EXPECT_EQ(fleet.count(Verb::hold), 0U);
}

TEST_F(Reconfigure, AShorterGuardOrNoneOrOneAtLastNeedsAHold) {
    fleet.nodes[1].holder = "alice";
    for (const auto &[old, record] : {std::pair{"3 2 30000", "3 2 20000"},
                                      {"3 2 30000", "3 2 0"},
                                      {"3 2 0", "3 2 30000"},
                                      {"5 3 30000", "3 2 30000"}}) {
        for (Node &node : fleet.nodes) node.record = old;
        plan = fleet.plan(record);
        plan.reconfigure = true;
        EXPECT_EQ(fleet.run(plan), SetupEnding::held) << record;
    }
}

TEST(LooksNew, OnlyIfNobodyHasUsedAnyNode) {
    const auto quarantined = [](bool unused) {
        Reply reply;
        reply.answer = Answer::error;
        reply.quarantine = seconds{3};
        reply.unused = unused;
        return reply;
    };
    Reply refused, granted, down;
    refused.answer = Answer::refused;
    granted.answer = Answer::granted;
    down.answer = Answer::error;
    EXPECT_TRUE(looks_new({quarantined(true), quarantined(true), std::nullopt}));
    EXPECT_TRUE(looks_new({quarantined(true), down, Reply{}}));
    EXPECT_FALSE(looks_new({quarantined(true), quarantined(false)}));
    EXPECT_FALSE(looks_new({quarantined(true), quarantined(true), refused}));
    EXPECT_FALSE(looks_new({quarantined(true), quarantined(true), granted}));
    EXPECT_FALSE(looks_new({down, Reply{}}));
}

} // namespace
} // namespace redlock::core
