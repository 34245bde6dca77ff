# find_package(oss_upload): the targets oss_upload::shared, oss_upload::static, and oss_upload::oss_upload, which is the shared
# one unless it is not there, or BUILD_SHARED_LIBS is set to OFF. Relocatable: all is found relative to this file, which is
# in <prefix>/share/cmake/oss_upload.
cmake_minimum_required(VERSION 3.13)
get_filename_component(_oss_upload_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

function(_oss_upload_find variable name)
    find_library(${variable} NAMES ${name} PATHS "${_oss_upload_prefix}" NO_DEFAULT_PATH NO_CACHE
        PATH_SUFFIXES "lib/${CMAKE_LIBRARY_ARCHITECTURE}" lib lib64)
    set(${variable} "${${variable}}" PARENT_SCOPE)
endfunction()

function(_oss_upload_target kind file)
    add_library(oss_upload::${kind} UNKNOWN IMPORTED)
    set_target_properties(oss_upload::${kind} PROPERTIES
        IMPORTED_LOCATION "${file}"
        INTERFACE_INCLUDE_DIRECTORIES "${_oss_upload_prefix}/include")
endfunction()

_oss_upload_find(_oss_upload_shared "${CMAKE_SHARED_LIBRARY_PREFIX}oss_upload${CMAKE_SHARED_LIBRARY_SUFFIX}")
_oss_upload_find(_oss_upload_static "${CMAKE_STATIC_LIBRARY_PREFIX}oss_upload${CMAKE_STATIC_LIBRARY_SUFFIX}")

if(_oss_upload_shared AND NOT TARGET oss_upload::shared)
    _oss_upload_target(shared "${_oss_upload_shared}")
endif()
if(_oss_upload_static AND NOT TARGET oss_upload::static)
    _oss_upload_target(static "${_oss_upload_static}")
    # What rustc names by --print native-static-libs; the same as Libs.private of oss_upload.pc.
    set_property(TARGET oss_upload::static PROPERTY INTERFACE_LINK_LIBRARIES gcc_s util rt pthread m dl c)
endif()

set(oss_upload_shared_FOUND ${_oss_upload_shared})
set(oss_upload_static_FOUND ${_oss_upload_static})
foreach(_oss_upload_component IN LISTS oss_upload_FIND_COMPONENTS)
    if(oss_upload_FIND_REQUIRED_${_oss_upload_component} AND NOT oss_upload_${_oss_upload_component}_FOUND)
        set(oss_upload_FOUND FALSE)
        set(oss_upload_NOT_FOUND_MESSAGE "${_oss_upload_prefix} has no ${_oss_upload_component} library oss_upload")
        return()
    endif()
endforeach()

if(TARGET oss_upload::shared AND NOT (DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS AND TARGET oss_upload::static))
    set(_oss_upload_chosen oss_upload::shared)
elseif(TARGET oss_upload::static)
    set(_oss_upload_chosen oss_upload::static)
else()
    set(oss_upload_FOUND FALSE)
    set(oss_upload_NOT_FOUND_MESSAGE "${_oss_upload_prefix} has no library oss_upload")
    return()
endif()
if(NOT TARGET oss_upload::oss_upload)
    add_library(oss_upload::oss_upload INTERFACE IMPORTED)
    set_property(TARGET oss_upload::oss_upload PROPERTY INTERFACE_LINK_LIBRARIES ${_oss_upload_chosen})
endif()
