package oss_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// What is exported has a comment, fields and constants included; a group may share one.
func TestEverythingExportedIsDocumented(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	set := token.NewFileSet()
	missing := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		seen++
		for _, doc := range docs {
			if doc.Text() != "" {
				return
			}
		}
		t.Errorf("%s: %s has no comment", set.Position(name.Pos()), name.Name)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				if declaration.Recv == nil || receiver(declaration).IsExported() {
					missing(declaration.Name, declaration.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range declaration.Specs {
					switch spec := spec.(type) {
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							missing(name, spec.Doc, spec.Comment, declaration.Doc)
						}
					case *ast.TypeSpec:
						missing(spec.Name, spec.Doc, spec.Comment, declaration.Doc)
						if structure, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
							for i, field := range structure.Fields.List {
								doc := []*ast.CommentGroup{field.Doc, field.Comment}
								// Fields that follow without an empty line share the comment above them.
								for j := i; j > 0 && adjacent(set, structure.Fields.List[j-1], structure.Fields.List[j]); j-- {
									doc = append(doc, structure.Fields.List[j-1].Doc)
								}
								for _, name := range field.Names {
									missing(name, doc...)
								}
							}
						}
					}
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d exported names were found", seen)
	}
}

func receiver(function *ast.FuncDecl) *ast.Ident {
	switch kind := function.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return kind.X.(*ast.Ident)
	case *ast.Ident:
		return kind
	}
	return ast.NewIdent("_")
}

func adjacent(set *token.FileSet, above, below *ast.Field) bool {
	return below.Doc == nil && set.Position(above.End()).Line+1 == set.Position(below.Pos()).Line
}
