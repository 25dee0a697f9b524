"""Metrics of embeddings: CMC, mAP and mINP, and the rules of an evaluation."""
