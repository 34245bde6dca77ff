# An overlay port, which builds the checkout that it lies in: vcpkg install oss-upload --overlay-ports=packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_program(CARGO cargo PATHS "$ENV{HOME}/.cargo/bin" REQUIRED)

vcpkg_execute_required_process(
    COMMAND "${CARGO}" build --release --lib --locked --manifest-path "${SOURCE_PATH}/Cargo.toml"
        --target-dir "${CURRENT_BUILDTREES_DIR}/${TARGET_TRIPLET}"
    WORKING_DIRECTORY "${CURRENT_BUILDTREES_DIR}"
    LOGNAME "cargo-${TARGET_TRIPLET}")

if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    set(name "${VCPKG_TARGET_STATIC_LIBRARY_PREFIX}oss_upload${VCPKG_TARGET_STATIC_LIBRARY_SUFFIX}")
else()
    set(name "${VCPKG_TARGET_SHARED_LIBRARY_PREFIX}oss_upload${VCPKG_TARGET_SHARED_LIBRARY_SUFFIX}")
endif()
file(INSTALL "${CURRENT_BUILDTREES_DIR}/${TARGET_TRIPLET}/release/${name}" DESTINATION "${CURRENT_PACKAGES_DIR}/lib")
file(INSTALL "${SOURCE_PATH}/include/oss_upload.h" "${SOURCE_PATH}/include/oss_upload.hpp" DESTINATION "${CURRENT_PACKAGES_DIR}/include")
file(GLOB config "${SOURCE_PATH}/packaging/cmake/*.cmake")
file(INSTALL ${config} DESTINATION "${CURRENT_PACKAGES_DIR}/share/cmake/oss_upload")
# The library is optimised, whatever the program is.
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
