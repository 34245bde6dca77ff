package oss

import native "github.com/oss-upload/liboss_upload/bindings/go/oss"

// AuthVersionType selects how requests are signed: see [AuthVersion].
type AuthVersionType string

// The signature versions of Alibaba Cloud's SDK v1. AuthV2 is [ErrUnsupported].
const (
	AuthV1 AuthVersionType = "v1"
	AuthV2 AuthVersionType = "v2"
	AuthV4 AuthVersionType = "v4"
)

// ACLType says who may read and write an object: see [ObjectACL].
type ACLType string

// The access rules of objects.
const (
	ACLPrivate         ACLType = "private"
	ACLPublicRead      ACLType = "public-read"
	ACLPublicReadWrite ACLType = "public-read-write"
	ACLDefault         ACLType = "default"
)

// StorageClassType says how an object is stored: see [ObjectStorageClass].
type StorageClassType string

// The storage classes.
const (
	StorageStandard        StorageClassType = "Standard"
	StorageIA              StorageClassType = "IA"
	StorageArchive         StorageClassType = "Archive"
	StorageColdArchive     StorageClassType = "ColdArchive"
	StorageDeepColdArchive StorageClassType = "DeepColdArchive"
)

// PayerType says who pays for a request: see [RequestPayer].
type PayerType string

// The payers. Uploads may only set the requester.
const (
	Requester   PayerType = "Requester"
	BucketOwner PayerType = "BucketOwner"
)

// AlgorithmType names how the server encrypts: see [ServerSideEncryption].
type AlgorithmType string

// The server's encryption.
const (
	KMSAlgorithm AlgorithmType = "KMS"
	AESAlgorithm AlgorithmType = "AES256"
	SM4Algorithm AlgorithmType = "SM4"
)

// The limits of the part size of [Bucket.UploadFile], and the suffix of checkpoint files next to the source.
const (
	MinPartSize          = 100 << 10
	MaxPartSize          = 5 << 30
	CheckpointFileSuffix = ".cp"
)

// PartSizeAuto and RoutinesAuto let the library choose, as in package [native].
const (
	PartSizeAuto = native.PartSizeAuto
	RoutinesAuto = native.RoutinesAuto
)

// LogOff is the only level that [SetLogLevel] accepts.
const LogOff = 0
