#include "process/child.hh"

#include "util/error.hh"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace redlock::process {
namespace {

// One per test program: the mask is the process's.
const event::Signals &signals() {
    static const event::Signals s;
    return s;
}

Status wait_for_end(Child &child) {
    for (int turn = 0; turn < 6000; ++turn) {
        if (const auto status = child.poll([] {}); status && !status->stopped()) return *status;
        ::usleep(10'000);
    }
    ADD_FAILURE() << "the child did not end";
    return Status{};
}

Command shell(const std::string &line) { return {{"/bin/sh", "-c", line}, {}}; }

TEST(Child, ExecutesOnlyAfterTheGateOpened) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, 0), 0); // not close-on-exec: handed down, as a user's descriptors are
    UniqueFd reader(ends[0]);
    {
        UniqueFd writer(ends[1]);
        Child child(shell("echo ran >&" + std::to_string(ends[1])), signals());
        writer.reset();
        pollfd ready{reader.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&ready, 1, 300), 0) << "nothing may be written before the gate opens";
        EXPECT_TRUE(child.open({}));
        EXPECT_EQ(wait_for_end(child).exit_code(), 0);
        char text[8]{};
        EXPECT_EQ(::read(reader.get(), text, sizeof text), 4);
    }
}

TEST(Child, LeavesWhenTheGateIsNeverOpened) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, 0), 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    { const Child child(shell("echo ran >&" + std::to_string(ends[1])), signals()); }
    writer.reset();
    char text[8];
    EXPECT_EQ(::read(reader.get(), text, sizeof text), 0);
}

TEST(Child, GetsItsEnvironment) {
    Child child({{"/bin/sh", "-c", "test \"$EARLY,$LATE,$HOME\" = 'a b,c=d,/new' || exit 9"}, {"EARLY=a b", "HOME=/"}},
                signals());
    ASSERT_TRUE(child.open({"LATE=c=d", "HOME=/new"}));
    EXPECT_EQ(wait_for_end(child).exit_code(), 0);
}

TEST(Child, ReportsThatACommandCannotBeExecuted) {
    Child missing({{"no-such-command-anywhere"}, {}}, signals());
    ASSERT_TRUE(missing.open({}));
    EXPECT_EQ(wait_for_end(missing).exit_code(), 127);
    EXPECT_EQ(missing.exec_error(), ENOENT);

    Child folder({{"/"}, {}}, signals());
    ASSERT_TRUE(folder.open({}));
    EXPECT_EQ(wait_for_end(folder).exit_code(), 126);
    EXPECT_EQ(folder.exec_error(), EACCES);
}

TEST(Child, ACommandsOwn127IsNoExecError) {
    Child child(shell("exit 127"), signals());
    ASSERT_TRUE(child.open({}));
    EXPECT_EQ(wait_for_end(child).exit_code(), 127);
    EXPECT_EQ(child.exec_error(), std::nullopt);
}

TEST(Child, SignalsReachTheWholeGroup) {
    adopt_orphans();
    Child child(shell("sleep 600 & exec sleep 600"), signals());
    ASSERT_TRUE(child.open({}));
    EXPECT_TRUE(child.group_exists());
    child.signal_group(SIGKILL);
    const Status status = wait_for_end(child);
    ASSERT_TRUE(status.killed());
    EXPECT_EQ(status.term_signal(), SIGKILL);
    for (int turn = 0; turn < 6000 && child.group_exists(); ++turn) {
        reap_orphans({});
        ::usleep(10'000);
    }
    EXPECT_FALSE(child.group_exists());
}

TEST(Child, StartsWithTheSignalMaskWeWereGiven) {
    Child child(shell("grep -q '^SigBlk:.*0000$' /proc/self/status"), signals());
    ASSERT_TRUE(child.open({}));
    EXPECT_EQ(wait_for_end(child).exit_code(), 0);
}

TEST(Child, KeepsNoneOfOurDescriptors) {
    const UniqueFd ours(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Child child(shell("exit 0"), signals());
    // While it waits at the gate it has let go of them already.
    const std::string path = "/proc/" + std::to_string(child.pid()) + "/fd/" + std::to_string(ours.get());
    int turn = 0;
    while (::access(path.c_str(), F_OK) == 0 && ++turn < 6000) ::usleep(10'000);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
    ASSERT_TRUE(child.open({}));
    wait_for_end(child);
}

TEST(Child, PollTellsOfAStopAndStillOfTheEnd) {
    Child child(shell("kill -STOP $$; exit 3"), signals());
    ASSERT_TRUE(child.open({}));
    std::optional<Status> status;
    for (int turn = 0; turn < 6000 && !status; ++turn) {
        status = child.poll([] {});
        ::usleep(10'000);
    }
    ASSERT_TRUE(status && status->stopped());
    child.signal_group(SIGCONT);
    bool ran_before = false;
    for (int turn = 0; turn < 6000; ++turn) {
        status = child.poll([&] { ran_before = true; });
        if (status) break;
        ::usleep(10'000);
    }
    EXPECT_TRUE(ran_before);
    EXPECT_EQ(status->exit_code(), 3);
}

} // namespace
} // namespace redlock::process
