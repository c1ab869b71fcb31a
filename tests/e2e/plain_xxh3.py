# SPDX-License-Identifier: MIT
"""XXH3-64 with a seed and the default secret, from doc/xxhash_spec.md of xxHash (plain_client.py).

The names are the specification's as far as it has any. Sums may grow above 64 bits on the way; they
are cut where it matters.
"""
import struct

WORD = (1 << 64) - 1
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F
PRIME64_3, PRIME64_4, PRIME64_5 = 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def words_at(data, at, count):
    return struct.unpack_from(f"<{count}Q", data, at)


def rotate(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & WORD


def swap(value, size):
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def avalanche(value):
    value ^= value >> 37
    value = value * PRIME_MX1 & WORD
    return value ^ value >> 32


def avalanche_xxh64(value):
    value = (value ^ value >> 33) * PRIME64_2 & WORD
    value = (value ^ value >> 29) * PRIME64_3 & WORD
    return value ^ value >> 32


def fold(left, right):
    product = left * right
    return (product ^ product >> 64) & WORD


def mix_step(data, at, secret_at, seed):
    left, right = words_at(data, at, 2)
    low, high = words_at(SECRET, secret_at, 2)
    return fold(left ^ (low + seed & WORD), right ^ (high - seed & WORD))


def xxh3_small(data, seed):
    size = len(data)
    if size == 0:
        low, high = words_at(SECRET, 56, 2)
        return avalanche_xxh64(seed ^ low ^ high)
    if size <= 3:
        combined = data[-1] | size << 8 | data[0] << 16 | data[size >> 1] << 24
        low, high = struct.unpack_from("<2I", SECRET)
        return avalanche_xxh64((low ^ high) + seed & WORD ^ combined)
    if size <= 8:
        first, last = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, size - 4)[0]
        low, high = words_at(SECRET, 8, 2)
        seed ^= swap(seed & 0xFFFFFFFF, 4) << 32
        value = ((low ^ high) - seed & WORD) ^ (last | first << 32)
        value ^= rotate(value, 49) ^ rotate(value, 24)
        value = value * PRIME_MX2 & WORD
        value ^= (value >> 35) + size
        value = value * PRIME_MX2 & WORD
        return value ^ value >> 28
    (first,), (last,) = words_at(data, 0, 1), words_at(data, size - 8, 1)
    secret = words_at(SECRET, 24, 4)
    low = ((secret[0] ^ secret[1]) + seed & WORD) ^ first
    high = ((secret[2] ^ secret[3]) - seed & WORD) ^ last
    return avalanche(size + swap(low, 8) + high + fold(low, high) & WORD)


def xxh3_medium(data, seed):
    size = len(data)
    total = size * PRIME64_1
    if size <= 128:
        for i in range((size - 1) >> 5, -1, -1):
            total += mix_step(data, i * 16, i * 32, seed)
            total += mix_step(data, size - i * 16 - 16, i * 32 + 16, seed)
        return avalanche(total & WORD)
    total = avalanche(total + sum(mix_step(data, i * 16, i * 16, seed) for i in range(8)) & WORD)
    for i in range(8, size >> 4):
        total += mix_step(data, i * 16, (i - 8) * 16 + 3, seed)
    return avalanche(total + mix_step(data, size - 16, 119, seed) & WORD)


def accumulate(sums, data, at, secret, secret_at):
    stripe, keys = words_at(data, at, 8), words_at(secret, secret_at, 8)
    for i in range(8):
        value = stripe[i] ^ keys[i]
        sums[i ^ 1] += stripe[i]
        sums[i] = sums[i] + (value & 0xFFFFFFFF) * (value >> 32) & WORD


def xxh3_large(data, seed):
    size = len(data)
    secret = struct.pack("<24Q", *((word + (seed, -seed)[i & 1]) & WORD
                                   for i, word in enumerate(words_at(SECRET, 0, 24))))
    sums = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    for stripe in range((size - 1) // 64):
        accumulate(sums, data, stripe * 64, secret, stripe % 16 * 8)
        if stripe % 16 == 15 and (stripe + 1) * 64 < size:
            keys = words_at(secret, 128, 8)
            for i, value in enumerate(sums):
                value &= WORD
                sums[i] = (value ^ value >> 47 ^ keys[i]) * PRIME32_1 & WORD
    accumulate(sums, data, size - 64, secret, 121)
    keys = words_at(secret, 11, 8)
    total = size * PRIME64_1
    for i in range(0, 8, 2):
        total += fold(sums[i] & WORD ^ keys[i], sums[i + 1] & WORD ^ keys[i + 1])
    return avalanche(total & WORD)


def xxh3_64(data, seed=0):
    if len(data) <= 16:
        return xxh3_small(data, seed)
    return (xxh3_medium if len(data) <= 240 else xxh3_large)(data, seed)
