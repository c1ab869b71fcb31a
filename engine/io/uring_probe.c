/* SPDX-License-Identifier: MIT */
/*
 * uring_probe.c - is everything there that a shard needs, and if not, what is to be done?
 *
 * A ring is made with the flags that shards use and one NOP goes through it, since a sandbox may
 * allow the set-up and forbid the rest; then the opcodes and the buffer ring are asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

#define KERNEL_WANTED "6.1"

struct text {
    char *at;
    size_t size;
};

static CHEK_PRINTF(2, 3) int say(const struct text *text, const char *format, ...)
{
    va_list arguments;

    if (text->at != NULL && text->size > 0) {
        va_start(arguments, format);
        (void)vsnprintf(text->at, text->size, format, arguments);
        va_end(arguments);
    }
    return CHEK_E_IO_URING;
}

static const char *
kernel_release(struct utsname *name)
{
    return uname(name) == 0 ? name->release : "unknown";
}

/* The value of kernel.io_uring_disabled: '0'..'2', or '?' when there is none to be read. */
static char
sysctl_read(void)
{
    char value = '?';
    int file = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);

    if (file >= 0) {
        if (read(file, &value, 1) != 1) {
            value = '?';
        }
        close(file);
    }
    return value;
}

static int
say_refused(const struct text *text, const char *call)
{
    char disabled = sysctl_read();

    if (disabled == '1' || disabled == '2') {
        return say(text,
                   "%s: not permitted, because kernel.io_uring_disabled is %c. Allow io_uring "
                   "with 'sysctl -w kernel.io_uring_disabled=0'.",
                   call, disabled);
    }
    return say(text,
               "%s: not permitted. A seccomp filter or a security module forbids io_uring to this "
               "process; containers do by default. Allow io_uring_setup, io_uring_enter and "
               "io_uring_register in the container's seccomp profile.",
               call);
}

static int
say_failed(const struct text *text, const char *call, int error)
{
    struct utsname name;

    switch (error) {
    case -EPERM:
    case -EACCES:
        return say_refused(text, call);
    case -ENOSYS:
        return say(text,
                   "%s: no such system call. The kernel (%s) is built without CONFIG_IO_URING or "
                   "older than " KERNEL_WANTED ", or a sandbox hides it: allow io_uring_setup, "
                   "io_uring_enter and io_uring_register in its seccomp profile.",
                   call, kernel_release(&name));
    case -EINVAL:
        return say(text,
                   "%s: the kernel (%s) does not know what we ask for. Linux " KERNEL_WANTED
                   " or later is needed.",
                   call, kernel_release(&name));
    case -ENOMEM:
        return say(text,
                   "%s: no memory for a ring. Raise the limit of locked memory ('ulimit -l', "
                   "LimitMEMLOCK= of systemd) or of the container.",
                   call);
    default:
        return say(text, "%s: %s.", call, chek_error_text(error));
    }
}

static const struct {
    int opcode;
    const char *name;
} wanted[] = {
    {IORING_OP_NOP, "NOP"},           {IORING_OP_READ, "READ"},
    {IORING_OP_WRITE, "WRITE"},       {IORING_OP_FSYNC, "FSYNC"},
    {IORING_OP_ACCEPT, "ACCEPT"},     {IORING_OP_RECV, "RECV"},
    {IORING_OP_SEND, "SEND"},         {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
    {IORING_OP_MSG_RING, "MSG_RING"},
};

static int
opcodes_check(struct io_uring *ring, const struct text *text)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    int error = CHEK_OK;

    if (probe == NULL) {
        return say_failed(text, "io_uring_register", -EPERM);
    }
    for (size_t i = 0; i < CHEK_COUNT(wanted) && error == CHEK_OK; i++) {
        if (!io_uring_opcode_supported(probe, wanted[i].opcode)) {
            struct utsname name;
            error = say(text,
                        "The kernel (%s) has no operation %s. Linux " KERNEL_WANTED
                        " or later is needed.",
                        kernel_release(&name), wanted[i].name);
        }
    }
    io_uring_free_probe(probe);
    return error;
}

static int
nop_check(struct io_uring *ring, const struct text *text)
{
    struct io_uring_cqe *cqe;

    io_uring_prep_nop(io_uring_get_sqe(ring));
    int count = io_uring_submit_and_wait(ring, 1);
    if (count < 0) {
        return say_failed(text, "io_uring_enter", count);
    }
    int error = io_uring_peek_cqe(ring, &cqe);
    if (error != 0) {
        return say_failed(text, "io_uring_enter", error);
    }
    io_uring_cqe_seen(ring, cqe);
    return CHEK_OK;
}

static int
buffer_ring_check(struct io_uring *ring, const struct text *text)
{
    size_t size = CHEK_PAGE_SIZE;
    void *memory = io__memory_map(size);

    if (memory == NULL) {
        return say_failed(text, "io_uring_register", -ENOMEM);
    }
    struct io_uring_buf_reg registration = {.ring_addr = (uint64_t)(uintptr_t)memory,
                                            .ring_entries = 1};
    int error = io_uring_register_buf_ring(ring, &registration, 0);
    if (error == 0) {
        error = io_uring_unregister_buf_ring(ring, 0);
    }
    chek_memory_release(memory, size);
    return error == 0 ? CHEK_OK : say_failed(text, "io_uring_register", error);
}

int
chek_uring_probe(char *text, size_t text_size) /* NOLINT(readability-non-const-parameter) */
{
    struct text out = {text, text_size};
    struct io_uring ring;
    struct io_uring_params params = {.flags = URING_SETUP_FLAGS, .cq_entries = 8};

    int error = io_uring_queue_init_params(4, &ring, &params);
    if (error < 0) {
        return say_failed(&out, "io_uring_setup", error);
    }
    unsigned features = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP |
                        IORING_FEAT_FAST_POLL | IORING_FEAT_SUBMIT_STABLE;
    if ((params.features & features) != features) {
        error = say_failed(&out, "io_uring_setup", -EINVAL);
    }
    if (error == CHEK_OK) {
        error = opcodes_check(&ring, &out);
    }
    if (error == CHEK_OK) {
        error = nop_check(&ring, &out);
    }
    if (error == CHEK_OK) {
        error = buffer_ring_check(&ring, &out);
    }
    io_uring_queue_exit(&ring);
    return error;
}
