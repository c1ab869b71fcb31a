/* SPDX-License-Identifier: MIT */
/*
 * A process that may not use io_uring is told so, and what to do. Each case runs in a child whose
 * seccomp filter answers one of io_uring's system calls with an error.
 *
 *   Source  seccomp(2), example of a filter
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

static struct deny_case {
    const char *name;
    unsigned call;
    unsigned error;
    const char *texts[3]; /* all in what is said */
} cases[] = {
    {"setup_that_is_hidden_names_seccomp",
     __NR_io_uring_setup,
     ENOSYS,
     {"io_uring_setup", "no such system call", "seccomp"}},
    {"setup_that_is_forbidden_names_seccomp",
     __NR_io_uring_setup,
     EPERM,
     {"io_uring_setup", "not permitted", "seccomp"}},
    {"setup_with_unknown_flags_names_the_kernel",
     __NR_io_uring_setup,
     EINVAL,
     {"io_uring_setup", "Linux 6.1", "later"}},
    {"setup_without_memory_names_the_limit",
     __NR_io_uring_setup,
     ENOMEM,
     {"io_uring_setup", "locked memory", "ulimit -l"}},
    {"enter_that_is_forbidden_is_found",
     __NR_io_uring_enter,
     EPERM,
     {"io_uring_enter", "not permitted", "seccomp"}},
    {"register_that_is_forbidden_is_found",
     __NR_io_uring_register,
     EPERM,
     {"io_uring_register", "not permitted", "seccomp"}},
};

static void
call_deny(unsigned call, unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = CHEK_COUNT(filter), .filter = filter};

    CHEK_ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHEK_ASSERT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Exit code: 0 as wanted. */
static int
child(const struct deny_case *c, const char *folder)
{
    char text[CHEK_URING_TEXT_SIZE] = "";
    struct chek_uring_group *group = NULL;

    call_deny(c->call, c->error);
    if (chek_uring_probe(text, sizeof text) != CHEK_E_IO_URING) {
        return 1;
    }
    printf("%s\n", text);
    for (unsigned i = 0; i < CHEK_COUNT(c->texts); i++) {
        if (strstr(text, c->texts[i]) == NULL) {
            return 2;
        }
    }
    if (chek_uring_probe(NULL, 0) != CHEK_E_IO_URING) {
        return 3;
    }
    /* Without asking first it is an error too, and not a crash. */
    int error = chek_uring_group_create(folder, 1, NULL, &group);
    if (error == CHEK_OK) {
        error = chek_uring_run(chek_uring_io(group, 0));
        chek_uring_group_destroy(group);
    }
    return error < 0 ? 0 : 4;
}

static void
test_deny(void **state)
{
    const struct deny_case *c = *state;
    char folder[64];
    int status;
    uring_fixture_folder_make(folder, sizeof folder);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int code = child(c, folder);
        fflush(stdout);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    uring_fixture_folder_remove(folder);
}

static void
test_probe_leaves_nothing_behind(void **state)
{
    (void)state;
    unsigned file_count = uring_fixture_file_count();
    char text[CHEK_URING_TEXT_SIZE] = "unchanged";
    assert_int_equal(chek_uring_probe(text, sizeof text), CHEK_OK);
    assert_string_equal(text, "unchanged");
    assert_int_equal(uring_fixture_file_count(), file_count);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_ROWS(&table, test_deny, cases);
    TABLE_TEST(&table, test_probe_leaves_nothing_behind);
    return table_run(&table, "uring_probe");
}
