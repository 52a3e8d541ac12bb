#include "config/secret_file.hh"

#include "util/error.hh"

#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace redlock::config {
namespace {

class SecretFile : public testing::Test {
  protected:
    SecretFile() { std::filesystem::create_directory(folder_); }
    ~SecretFile() override { std::filesystem::remove_all(folder_); }

    std::string write(std::string_view text, mode_t mode = 0600) {
        std::ofstream(name_, std::ios::binary) << text;
        ::chmod(name_.c_str(), mode);
        return name_;
    }
    static std::string message_of(const std::string &file) {
        try {
            return "no error: " + read_secret(file, milliseconds{50}).text;
        } catch (const ConfigError &error) {
            return error.what();
        }
    }

    const std::string folder_ = testing::TempDir() + "/secret." + std::to_string(::getpid());
    const std::string name_ = folder_ + "/file";
};

TEST_F(SecretFile, TakesTheFirstLine) {
    using namespace std::string_literals;
    const std::pair<std::string, std::string> rows[] = {
        {"sesame", "sesame"},
        {"sesame\n", "sesame"},
        {"sesame\r\n", "sesame"},
        {"sesame\nother\n", "sesame"},
        {"\xef\xbb\xbfsesame\r\n", "sesame"}, // a byte order mark
        {" se same \n", " se same "},
        {"s\xc3\xa4same", "s\xc3\xa4same"},
        {"sesame\n\0\0"s, "sesame"},
        {std::string(4096, 'x') + "\n", std::string(4096, 'x')},
        {"sesame\n" + std::string(9999, 'x'), "sesame"},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(read_secret(write(text)).text, expected) << text;
}

TEST_F(SecretFile, SaysWhatIsWrong) {
    using namespace std::string_literals;
    const std::pair<std::string, const char *> rows[] = {
        {"", "its first line is empty"},
        {"\n", "its first line is empty"},
        {"\r\nx", "its first line is empty"},
        {"\xef\xbb\xbf\n", "its first line is empty"},
        {"se\0same\n"s, "a zero byte"},
        {"\xff\xfes\0e\0"s, "a zero byte"}, // UTF-16
        {std::string(4097, 'x'), "it is too long"},
        {std::string(4097, 'x') + "\n", "it is too long"},
    };
    for (const auto &[text, expected] : rows)
        EXPECT_NE(message_of(write(text)).find(expected), std::string::npos) << message_of(write(text));
    EXPECT_NE(message_of(folder_).find("Is a directory"), std::string::npos);
    EXPECT_NE(message_of(folder_ + "/none").find("No such file"), std::string::npos);
    EXPECT_NE(message_of("/dev/null").find("empty"), std::string::npos);
    EXPECT_NE(message_of("/dev/zero").find("zero byte"), std::string::npos);
}

TEST_F(SecretFile, WarnsWhenOthersCanReadIt) {
    for (const mode_t mode : {0600U, 0400U, 0700U, 0620U}) EXPECT_EQ(read_secret(write("x", mode)).warning, "") << mode;
    for (const mode_t mode : {0604U, 0644U, 0666U}) {
        const std::string warning = read_secret(write("x", mode)).warning;
        EXPECT_NE(warning.find("can be read by every user"), std::string::npos) << mode;
        EXPECT_NE(warning.find("chmod o-r"), std::string::npos) << warning;
    }
    EXPECT_NE(read_secret(write("x", 0644)).warning.find("mode 0644"), std::string::npos);
}

// A writer that goes on only when what it wrote has been read.
void write_in_pieces(int fd, std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) {
        ASSERT_EQ(::write(fd, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
        std::this_thread::sleep_for(milliseconds{20});
    }
}

TEST_F(SecretFile, ReadsAPipeInPiecesUpToTheLine) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const std::string path = "/dev/fd/" + std::to_string(ends[0]);
    std::thread writer([&] { write_in_pieces(ends[1], {"\xef\xbb", "\xbfse", "sa", "me\r", "\nrest"}); });
    EXPECT_EQ(read_secret(path).text, "sesame"); // although the pipe stays open
    writer.join();
    // What follows the line is left to others.
    std::array<char, 8> rest{};
    EXPECT_EQ(::read(ends[0], rest.data(), rest.size()), 4);
    EXPECT_EQ(std::string_view(rest.data()), "rest");
    EXPECT_NE(message_of(path).find("nothing more was written to it for 50 ms"), std::string::npos);
    // Without a newline the end of input ends it.
    std::thread last([&] {
        write_in_pieces(ends[1], {"ot", "her"});
        ::close(ends[1]);
    });
    EXPECT_EQ(read_secret(path).text, "other");
    last.join();
    ::close(ends[0]);
}

TEST_F(SecretFile, DoesNotWaitForEverForTheWriterOfANamedPipe) {
    ASSERT_EQ(::mkfifo(name_.c_str(), 0600), 0);
    const std::string message = message_of(name_);
    EXPECT_NE(message.find("nothing more was written to it for 50 ms; its writer must run"), std::string::npos)
        << message;
    std::thread writer([&] {
        std::this_thread::sleep_for(milliseconds{100});
        std::ofstream(name_) << "sesame\n";
    });
    EXPECT_EQ(read_secret(name_).text, "sesame");
    writer.join();
}

} // namespace
} // namespace redlock::config
