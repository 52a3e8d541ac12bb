// redlock init, against nodes that are modelled by what their scripts answer.
#include "fleet.hh"

namespace redlock::core {
namespace {

using Init = Setup; // GoogleTest has another in every test

struct Outcome {
    SetupEnding ending;
    Duration after;      // so long it takes
    std::size_t records; // requests that write one
    std::size_t trusts;  // requests that end a quarantine
    Duration left{};     // has still to be waited: the run must not wait
};

// Three nodes `like` this one. Our record is on all of them afterwards and does not lapse, or nothing was changed.
void play(const char *name, const Node &like, const std::function<void(Fleet &)> &arrange, const Outcome &expected) {
    SCOPED_TRACE(name);
    Fleet fleet(3, like);
    arrange(fleet);
    const std::vector<std::string> before = fleet.records();
    Init::Plan plan = fleet.plan();
    plan.wait = expected.left == Duration{};
    Init setup(start, plan);
    EXPECT_EQ(fleet.run(setup), expected.ending);
    EXPECT_EQ(fleet.now - start, expected.after);
    EXPECT_EQ(fleet.count(Verb::record), expected.records);
    EXPECT_EQ(fleet.count(Verb::trust), expected.trusts);
    EXPECT_EQ(setup.left(fleet.now), expected.left);
    EXPECT_EQ(fleet.records(), expected.records > 0 ? std::vector<std::string>(3, ours) : before);
    for (const Node &node : fleet.nodes) EXPECT_FALSE(expected.records > 0 && node.lapses);
    if (expected.ending != SetupEnding::done) return;
    fleet.asked.clear();
    EXPECT_EQ(fleet.run(plan), SetupEnding::already);
    EXPECT_EQ(fleet.asked, std::vector(3, Verb::inspect));
}

TEST(Setup, EndsTheQuarantineOfNewNodesOnly) {
    // What happens between the inspection of node 1 and its trust.
    const auto meanwhile = [](void (*happens)(Fleet &)) {
        return [happens](Fleet &fleet) {
            fleet.before_answer = [&fleet, happens](const Request &request) {
                if (request.verb == Verb::trust && request.node == 1 && fleet.count(Verb::trust) <= 3) happens(fleet);
            };
        };
    };
    const auto used = [](Fleet &fleet) { fleet.nodes[1].used = "1"; };
    const auto restarted = [](Fleet &fleet) { fleet.nodes[1].run_id = "later", fleet.nodes[0].used = "1"; };
    const auto voted = [](Fleet &fleet) { fleet.nodes[1].run_id = "later", fleet.nodes[0].joined.reset(); };
    const auto one_used = [](Fleet &fleet) { fleet.nodes[0].joined.reset(), fleet.nodes[0].used = "1"; };
    const auto as_they_are = [](Fleet &) {};
    const Node fresh{.joined = start}, older{.joined = start - seconds{10}};
    play("new nodes", fresh, as_they_are, {SetupEnding::done, {}, 3, 3});
    play("one was used", older, one_used, {SetupEnding::done, seconds{20}, 3, 0});
    play("one was used, no wait", older, one_used, {SetupEnding::later, {}, 3, 0, seconds{20}});
    play("used meanwhile", fresh, meanwhile(used), {SetupEnding::done, guard, 3, 3});
    play("restarted meanwhile", fresh, meanwhile(restarted), {SetupEnding::done, guard, 3, 3});
    play("one voted, one restarted", fresh, meanwhile(voted), {SetupEnding::done, guard, 3, 3});
}

TEST(Setup, ChangesNothingUnlessAllNodesAreFit) {
    const auto silent = [](Fleet &fleet) { fleet.nodes[2].silent = true; };
    const auto unfit = [](Fleet &fleet) { fleet.nodes[2].unfit = "UNFIT replica"; };
    const auto twice = [](Fleet &fleet) { fleet.nodes[2].run_id = fleet.nodes[0].run_id; };
    const Node fresh{.joined = start};
    play("silent", fresh, silent, {SetupEnding::unanswered, seconds{1}, 0, 0});
    play("unfit", fresh, unfit, {SetupEnding::unanswered, {}, 0, 0});
    play("one server twice", fresh, twice, {SetupEnding::twice, {}, 0, 0});
}

// A note of a use goes with the node's data, and the job that holds the lock goes on.
TEST(Setup, RemembersAUseThatWasSeenOnce) {
    const auto all_restart_empty = [](Fleet &fleet) {
        fleet.nodes[2].joined = start;
        fleet.at_each = [&fleet](Init &) {
            if (fleet.now < start + seconds{1} || fleet.nodes[0].run_id == "z'") return;
            for (Node &node : fleet.nodes) node = {.joined = fleet.now, .run_id = node.run_id + "'"};
        };
    };
    play("all restart", {.used = "1"}, all_restart_empty, {SetupEnding::done, guard + seconds{1}, 6, 0});
    // Also where another node does not answer yet, and in whichever field the trace is.
    for (const auto trace : {&Node::used, &Node::lock}) {
        const auto beside_silent = [trace](Fleet &fleet) {
            fleet.nodes[1].record = "1 1 30000"; // waited for
            fleet.nodes[1].lapses = start + seconds{2};
            fleet.at_each = [&fleet, trace](Init &) {
                fleet.nodes[0].silent = fleet.now > start && fleet.now < start + seconds{1};
                fleet.nodes[2].*trace = fleet.nodes[0].silent ? "1" : "";
            };
        };
        play("one is silent", {.joined = start}, beside_silent, {SetupEnding::done, guard, 3, 0});
    }
}

TEST(Setup, WaitsForWhatEndsByItself) {
    const auto in_trial = [](Fleet &fleet) {
        fleet.nodes[0].record = "1 1 30000";
        fleet.nodes[0].lapses = start + seconds{7};
        fleet.nodes[0].used = "1";
    };
    const auto in_use = [in_trial](Fleet &fleet) {
        in_trial(fleet);
        fleet.at_each = [&fleet](Init &) { fleet.nodes[0].lapses = fleet.now + seconds{7}; };
    };
    const auto on_hold = [](Fleet &fleet) {
        fleet.nodes[0].hold = "other";
        fleet.nodes[0].hold_ends = start + seconds{40};
    };
    const Node in_our_trial{.record = ours, .lapses = start + seconds{7}}, set_up{.record = ours, .used = "1"};
    play("a provisional record", {}, in_trial, {SetupEnding::done, seconds{7}, 3, 0});
    play("a provisional record in use", {}, in_use, {SetupEnding::differs, milliseconds{9'500}, 0, 0});
    play("our provisional record", in_our_trial, [](Fleet &) {}, {SetupEnding::done, {}, 3, 0});
    play("a different init's hold", set_up, on_hold, {SetupEnding::done, seconds{40}, 0, 0});
    play("a different init's hold, no wait", set_up, on_hold, {SetupEnding::later, {}, 0, 0, seconds{40}});
}

TEST(Setup, TakesBackWhatASilentNodeMayHave) {
    Fleet fleet;
    fleet.before_answer = [&](const Request &request) {
        fleet.nodes[0].silent = request.verb == Verb::record; // the last in order
    };
    Init setup(start, fleet.plan());
    EXPECT_EQ(fleet.run(setup), SetupEnding::unanswered);
    EXPECT_EQ(setup.left_behind(), std::vector<NodeIndex>{0});
    EXPECT_EQ(fleet.records(), (std::vector<std::string>{"", "", ""}));
}

// The node recorded it, and its answer was lost.
TEST(Setup, TakesBackWhatANodeRecordedWithoutAnAnswer) {
    Fleet fleet;
    fleet.before_answer = [&](const Request &request) {
        fleet.nodes[0].silent = request.verb == Verb::record && request.change.expected.empty();
        if (fleet.nodes[0].silent && request.node == 0) fleet.nodes[0].record = ours;
    };
    Init setup(start, fleet.plan());
    EXPECT_EQ(fleet.run(setup), SetupEnding::unanswered);
    EXPECT_TRUE(setup.left_behind().empty());
    EXPECT_EQ(fleet.records(), (std::vector<std::string>{"", "", ""}));
}

// Whether the different record is there before, or is written before the last node's turn.
TEST(Setup, LeavesADifferentRecordAlone) {
    for (const Verb moment : {Verb::inspect, Verb::record}) {
        Fleet fleet;
        fleet.nodes[2].record = ours; // provisional, of ours
        fleet.nodes[2].lapses = start + seconds{5};
        fleet.before_answer = [&](const Request &request) {
            if (request.verb == moment && request.node == 0) fleet.nodes[0].record = "5 3 30000";
        };
        Init setup(start, fleet.plan());
        EXPECT_EQ(fleet.run(setup), SetupEnding::differs);
        EXPECT_EQ(setup.answers()[0]->state.terms->nodes, 5U);
        EXPECT_EQ(fleet.records(), (std::vector<std::string>{"5 3 30000", "", ours}));
        EXPECT_TRUE(fleet.nodes[2].lapses);
        EXPECT_EQ(fleet.count(Verb::record), moment == Verb::inspect ? 0U : 5U);
    }
}

// Two clients, each request of the one before or behind each of the other: one record on all nodes, and one winner.
TEST(Setup, TwoAtTheSameInstantDoNotSplitTheRecord) {
    for (unsigned order = 0; order < 1U << 12; ++order) {
        Fleet fleet;
        Init one(start, fleet.plan()), other(start, fleet.plan("3 3 30000"));
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
        ASSERT_EQ(fleet.records(), std::vector<std::string>(3, won ? ours : "3 3 30000")) << order;
    }
}

class Reconfigure : public testing::Test {
  protected:
    static constexpr auto theirs = "3 3 30000";

    bool as_before() const {
        return std::all_of(fleet.nodes.begin(), fleet.nodes.end(),
                           [](const Node &node) { return node.record == ours && node.hold.empty() && !node.lapses; });
    }
    // Ends because of this lock, `after` the start at most, and leaves no trace.
    void expect_held(const std::string &lock, const std::string &holder, Duration after = {}) {
        Init setup(start, plan);
        EXPECT_EQ(fleet.run(setup), SetupEnding::held);
        EXPECT_EQ(setup.lock(), lock);
        EXPECT_EQ(setup.holder(), holder);
        EXPECT_LE(fleet.now - start, after);
        EXPECT_TRUE(as_before());
    }

    Fleet fleet{3, {.record = ours, .used = "1", .lock = "job"}};
    Init::Plan plan = fleet.plan(theirs, true);
};

TEST_F(Reconfigure, NothingHeld) {
    bool on_hold = true;
    fleet.at_each = [&](const Init &setup) {
        for (const Node &node : fleet.nodes)
            on_hold = on_hold && (!setup.reconfiguring() || (node.hold == "me" && node.record == ours));
    };
    EXPECT_EQ(fleet.run(plan), SetupEnding::done);
    EXPECT_TRUE(on_hold);
    EXPECT_GE(fleet.now, start + seconds{31});
    EXPECT_LT(fleet.now, start + seconds{32});
    EXPECT_EQ(fleet.records(), std::vector<std::string>(3, theirs));
    for (const Node &node : fleet.nodes) EXPECT_EQ(node.hold, "");
}

TEST_F(Reconfigure, ALockIsHeld) {
    fleet.nodes[1].holder = "alice";
    expect_held("job", "alice");
}

TEST_F(Reconfigure, ALockIsRenewedMeanwhile) {
    fleet.at_each = [&](const Init &) {
        if (fleet.now < start + seconds{20}) return;
        fleet.nodes[2].used = "2";
        fleet.nodes[2].lock = "other";
    };
    expect_held("other", "", seconds{21});
}

TEST_F(Reconfigure, RenewedBeforeTheLastNodeIsRecorded) {
    fleet.before_answer = [&](const Request &request) {
        if (request.verb == Verb::record && request.node == 0 && request.change.record == theirs)
            fleet.nodes[0].used = "2";
    };
    EXPECT_EQ(fleet.run(plan), SetupEnding::done);
    EXPECT_GE(fleet.now, start + seconds{62}); // all over again
    EXPECT_EQ(fleet.count(Verb::record), 3U + 2U + 3U);
}

TEST_F(Reconfigure, GiveUpAtAnyMoment) {
    const Fleet before = fleet;
    for (int moment = 0; moment < 80; ++moment) {
        fleet = before;
        fleet.at_each = [&, seen = 0](Init &running) mutable {
            if (seen++ == moment) running.give_up(fleet.now);
        };
        const SetupEnding ending = fleet.run(plan);
        EXPECT_TRUE(ending == SetupEnding::interrupted ? as_before() : ending == SetupEnding::done) << moment;
    }
}

TEST_F(Reconfigure, ADifferentInitHoldsANode) {
    fleet.nodes[0].hold = "other";
    EXPECT_EQ(fleet.run(plan), SetupEnding::on_hold);
    EXPECT_EQ(fleet.nodes[0].hold, "other");
    for (const NodeIndex node : {1U, 2U}) EXPECT_EQ(fleet.nodes[node].hold, "");
}

TEST_F(Reconfigure, WithoutWaitingItNamesTheHolderAndHoldsNothing) {
    plan.wait = false;
    EXPECT_EQ(fleet.run(plan), SetupEnding::later);
    fleet.nodes[1].holder = "alice";
    expect_held("job", "alice");
    EXPECT_EQ(fleet.count(Verb::hold), 0U);
}

TEST_F(Reconfigure, ALongerGuardNeedsNoHold) {
    fleet.nodes[1].holder = "alice";
    EXPECT_EQ(fleet.run(fleet.plan("3 2 60000", true)), SetupEnding::done);
    EXPECT_EQ(fleet.now, start);
    EXPECT_EQ(fleet.count(Verb::hold), 0U);
}

TEST_F(Reconfigure, AllOtherChangesNeedAHold) {
    fleet.nodes[1].holder = "alice";
    for (const auto &[old, record] :
         {std::pair{ours, "3 2 20000"}, {ours, "3 2 0"}, {"3 2 0", ours}, {"5 3 30000", ours}}) {
        for (Node &node : fleet.nodes) node.record = old;
        EXPECT_EQ(fleet.run(fleet.plan(record, true)), SetupEnding::held) << old << " to " << record;
    }
}

// n: a new node; q: in quarantine and used; r: refuses; g: grants; d: down; s: silent; -: nothing yet.
Answers said(std::string_view words) {
    Answers answers;
    for (const char word : words) {
        Reply &reply = answers.emplace_back().emplace();
        reply.answer = word == 'r' ? Answer::refused : word == 'g' ? Answer::granted : Answer::error;
        if (word == 's') reply.answer = Answer::silent;
        if (word == 'n' || word == 'q') reply.quarantine = seconds{3};
        reply.unused = word == 'n';
        if (word == '-') answers.back().reset();
    }
    return answers;
}

TEST(LooksNew, OnlyIfNoClientHasUsedAnyNode) {
    for (const auto *words : {"nn-", "nds"}) EXPECT_TRUE(looks_new(said(words))) << words;
    for (const auto *words : {"nq", "nnr", "nng", "ds"}) EXPECT_FALSE(looks_new(said(words))) << words;
}

} // namespace
} // namespace redlock::core
