#pragma once
// What is read once for all test programs instead of in each of their files. Every file still includes what it uses.

#include "harness/base/precompiled.h"
#include "tests/support/catch.h"
