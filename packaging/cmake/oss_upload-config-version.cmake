# The version is read from the header beside which this is installed. A program that asks for A.B.C is served by every later
# version of the same interface number: that is the major version, and while that is 0, the minor version too (docs/abi.md).
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../../../include/oss_upload.h" _oss_upload_line REGEX "^#define OSS_VERSION \"")
string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" PACKAGE_VERSION "${_oss_upload_line}")
string(REGEX MATCH "^(0\\.[0-9]+|[0-9]+)" _oss_upload_interface "${PACKAGE_VERSION}")

if(PACKAGE_FIND_VERSION_COUNT EQUAL 1 AND PACKAGE_FIND_VERSION_MAJOR EQUAL 0)
    set(_oss_upload_asked "${_oss_upload_interface}")
else()
    string(REGEX MATCH "^(0\\.[0-9]+|[0-9]+)" _oss_upload_asked "${PACKAGE_FIND_VERSION}")
endif()
if(PACKAGE_FIND_VERSION_RANGE)
    set(_oss_upload_asked "${_oss_upload_interface}")
    if(PACKAGE_VERSION VERSION_GREATER PACKAGE_FIND_VERSION_MAX OR
        (PACKAGE_FIND_VERSION_RANGE_MAX STREQUAL "EXCLUDE" AND PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION_MAX))
        set(_oss_upload_asked "another")
    endif()
endif()

set(PACKAGE_VERSION_COMPATIBLE FALSE)
set(PACKAGE_VERSION_EXACT FALSE)
if(NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION AND _oss_upload_asked STREQUAL _oss_upload_interface)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()
